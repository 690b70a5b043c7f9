-- Counts the next orders by the tenant's rule. Parameters: 1 tenant, 2 after this order id, 3 at most so many. Answers the last
-- order id, null at the end, and the customers of the orders that count otherwise now, one for each order.
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
lines as (
    update platform.order_line t set counts = l.counts_now
    from looked l
    where l.counts <> l.counts_now and t.tenant_id = $1 and t.line_key >= l.lines_key
      and t.line_key < platform.line_key_of(l.lines_key, l.lines)
)
select max(order_id), coalesce(array_agg(customer_id) filter (where counts <> counts_now), '{}') from looked
