-- The last order of each of some customers. Parameters: 1 tenant, 2 customer ids, 3 end, 4 currency.
select w.customer_id, (o.ordered_at at time zone (select platform.shop_zone()))::date as ordered_on, o.value, o.products, o.categories
from unnest($2::text[]) as w (customer_id)
-- The newest line that was bought tells which order is the last.
cross join lateral (
    select l.order_id, l.ordered_at
    from platform.order_line l
    where l.tenant_id = $1 and l.customer_id = w.customer_id and l.ordered_at < $3 and not l.is_return and l.counts is not false
    order by l.ordered_at desc, l.order_id desc limit 1
) as last
-- Lines of an order lie close together: whoever has thousands of older ones costs no more than others.
cross join lateral (
    select min(l.ordered_at) as ordered_at, sum(l.amount) filter (where l.currency = $4) as value,
           coalesce((array_agg(distinct l.product_id) filter (where l.product_id is not null))[1:5], '{}') as products,
           coalesce((array_agg(distinct l.category) filter (where l.category is not null))[1:5], '{}') as categories
    from platform.order_line l
    where l.tenant_id = $1 and l.customer_id = w.customer_id and l.order_id = last.order_id
      and l.ordered_at between last.ordered_at - interval '31 days' and last.ordered_at
      and not l.is_return and l.counts is not false
) as o
