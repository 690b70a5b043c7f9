-- Who bought again in the same category. Parameters: 1 tenant, 2 currency, 3 start, 4 end, 5 items.
with
buyers as (
    select category, customer_id, min((ordered_at at time zone (select platform.shop_zone()))::date) as first_on,
           max((ordered_at at time zone (select platform.shop_zone()))::date) as last_on, sum(amount) as spend
    from platform.order_line
    where tenant_id = $1 and currency = $2 and ordered_at >= $3 and ordered_at < $4 and not is_return
      and counts is not false and category is not null
    group by category, customer_id
)
select category, count(*) as customers, count(*) filter (where last_on > first_on) as again,
       sum(spend) as spend, sum(spend) filter (where last_on > first_on) as spend_again,
       avg(last_on - first_on) filter (where last_on > first_on)::float8 as days
from buyers
group by category
order by count(*) desc, category
limit $5
