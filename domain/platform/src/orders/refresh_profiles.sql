-- Derives profiles anew from the order lines that count. Parameters: 1 tenant, 2 customer ids.
with
-- Whose lines are all gone, or count no more, has no profile.
gone as (
    delete from platform.customer_profile p
    where p.tenant_id = $1 and p.customer_id = any ($2::text[])
      and not exists (select from platform.order_line l
                      where l.tenant_id = $1 and l.customer_id = p.customer_id and l.counts is not false)
),
-- Lines are many; everything below works on orders.
orders as materialized (
    select customer_id, order_id, currency, is_return, sum(amount) as amount, count(*) as lines,
           min(ordered_at) as first_at, max(ordered_at) as last_at
    from platform.order_line
    where tenant_id = $1 and customer_id = any ($2::text[]) and counts is not false
    group by customer_id, order_id, currency, is_return
),
-- Sums of different currencies mean nothing: each customer's most frequent one counts.
main as (
    select distinct on (customer_id) customer_id, currency
    from (select customer_id, currency, sum(lines) as lines from orders group by customer_id, currency) as used
    order by customer_id, lines desc, currency
),
sums as (
    select o.customer_id, m.currency,
           count(distinct o.order_id) filter (where not o.is_return) as orders,
           sum(o.lines) as lines,
           coalesce(sum(o.amount) filter (where o.currency = m.currency), 0) as spend,
           coalesce(-sum(o.amount) filter (where o.currency = m.currency and o.is_return), 0) as returned_value,
           min(o.first_at) filter (where not o.is_return) as first_order_at,
           max(o.last_at) filter (where not o.is_return) as last_order_at,
           avg(o.amount) filter (where o.currency = m.currency and not o.is_return) as mean_order_value
    from orders o join main m using (customer_id)
    group by o.customer_id, m.currency
)
insert into platform.customer_profile
    (tenant_id, customer_id, orders, lines, spend, currency, returned_value, first_order_at, last_order_at,
     mean_order_value, refreshed_at)
select $1, customer_id, orders, lines, spend, currency, returned_value, first_order_at, last_order_at,
       round(mean_order_value, 2), clock_timestamp()
from sums
order by customer_id
on conflict (tenant_id, customer_id) do update set
    orders = excluded.orders,
    lines = excluded.lines,
    spend = excluded.spend,
    currency = excluded.currency,
    returned_value = excluded.returned_value,
    first_order_at = excluded.first_order_at,
    last_order_at = excluded.last_order_at,
    mean_order_value = excluded.mean_order_value,
    -- Not the transaction's beginning: whoever waited for its turn would seem older than what it waited for.
    refreshed_at = clock_timestamp()
