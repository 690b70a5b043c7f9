-- Counts the next orders by the tenant's rule, but for their lines. Parameters: 1 tenant, 2 after this order id, 3 at most so many.
-- Answers the last order id, null at the end, and of the orders that count otherwise now the customer, the beginning of
-- the lines' keys, the number of lines, and whether it counts.
with
looked as materialized (
    select o.order_id, o.customer_id, o.lines_key, o.lines, o.counts,
           platform.order_counts(coalesce((select rule from platform.revenue_rule where tenant_id = $1), 'paid'),
                                 o.is_test, o.payment, o.fulfilled_at, o.cancelled_at) as counts_now
    from platform.order o
    where o.tenant_id = $1 and o.order_id > $2
    order by o.order_id limit $3
),
heads as (
    update platform.order o set counts = l.counts_now
    from looked l where l.counts <> l.counts_now and o.tenant_id = $1 and o.order_id = l.order_id
),
changed as (
    select * from looked where counts <> counts_now
)
select (select max(order_id) from looked) as last,
       coalesce(array_agg(customer_id), '{}') as customers, coalesce(array_agg(lines_key), '{}') as keys,
       coalesce(array_agg(lines), '{}') as lines, coalesce(array_agg(counts_now), '{}') as counts
from changed
