-- How some customers order. Parameters: 1 tenant, 2 customer ids, 3 currency, 4 end.
with
-- An order is the sum of its lines.
orders as (
    select customer_id, order_id, min(ordered_at) as at, sum(quantity) as units, count(*) as lines
    from platform.order_line
    where tenant_id = $1 and customer_id = any ($2::text[]) and currency = $3 and ordered_at < $4 and not is_return
      and counts is not false
    group by customer_id, order_id
),
-- Days since the customer's order before, and the weekday from Monday (1) to Sunday (7).
timed as (
    select customer_id, units, lines,
           extract(epoch from at - lag(at) over (partition by customer_id order by at, order_id))::float8 / 86400 as gap,
           extract(isodow from at at time zone (select platform.shop_zone())) as weekday
    from orders
)
select customer_id, count(*) as orders,
       avg(units)::float8 as units_per_order,
       (sum(units) / sum(lines))::float8 as units_per_line,
       stddev_samp(gap) / nullif(avg(gap), 0) as gap_variation,
       avg((weekday <= 5)::int)::float8 as working_day_share
from timed
group by customer_id
