-- Months of purchases and how long customers stayed away after them. Parameters: 1 tenant, 2 currency, 3 end.
-- A month is its number since year 0.
with
active as materialized (
    select customer_id,
           (extract(year from ordered_at at time zone (select platform.shop_zone())) * 12
            + extract(month from ordered_at at time zone (select platform.shop_zone())) - 1)::int as month,
           coalesce(sum(amount) filter (where currency = $2), 0) as revenue, bool_or(not is_return) as bought
    from platform.order_line
    where tenant_id = $1 and ordered_at >= timestamptz '1970-01-01 00:00:00+00' and ordered_at < $3
      and counts is not false
    group by 1, 2
),
-- Months with a purchase, and how many months later the next one came.
stays as (
    select month, lead(month) over by_customer - month as gap, row_number() over by_customer = 1 as is_first
    from active where bought
    window by_customer as (partition by customer_id order by month)
),
counts as (
    select month, count(*) as customers, count(*) filter (where is_first) as first_timers,
           count(*) filter (where gap = 1) as after_one, count(*) filter (where gap = 2) as after_two,
           count(*) filter (where gap = 3) as after_three
    from stays group by month
),
sums as (
    select month, sum(revenue) as revenue from active group by month
)
select month, s.revenue, coalesce(c.customers, 0) as customers, coalesce(c.first_timers, 0) as first_timers,
       coalesce(c.after_one, 0) as after_one, coalesce(c.after_two, 0) as after_two,
       coalesce(c.after_three, 0) as after_three
from sums s left join counts c using (month)
order by month
