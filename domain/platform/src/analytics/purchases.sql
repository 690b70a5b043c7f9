-- A customer's orders, newest first. Parameters: 1 customer, 2 to 4 the place after which to go on (time, order,
-- currency), or null, 5 limit.
select order_id, currency, min(ordered_at) as ordered_at, sum(amount) as amount, sum(quantity) as units,
       count(*) as lines, bool_and(is_return) as is_return,
       coalesce((array_agg(distinct product_id) filter (where product_id is not null))[1:10], '{}') as products,
       coalesce((array_agg(distinct category) filter (where category is not null))[1:10], '{}') as categories
from platform.order_line
where tenant_id = (select shared.current_tenant()) and customer_id = $1 and counts is not false
group by order_id, currency
having $2::timestamptz is null or (min(ordered_at), order_id, currency) < ($2, $3::text, $4::text)
order by min(ordered_at) desc, order_id desc, currency desc
limit $5
