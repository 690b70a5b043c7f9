-- Gives orders that name somebody back to them. Parameters: 1 tenant, 2 who has them, 3 whose they are, 4 all ids that were
-- theirs.
with
named as materialized (
    select o.order_id
    from platform.order o
    where o.tenant_id = $1 and o.customer_id = $2 and o.stated_customer = any ($4)
      and o.order_id in (select order_id from platform.order_line where tenant_id = $1 and customer_id = $2)
),
lines as (
    update platform.order_line l set customer_id = $3
    where l.tenant_id = $1 and l.customer_id = $2 and l.order_id in (select order_id from named)
)
update platform.order o set customer_id = $3, stated_customer = nullif(o.stated_customer, $3)
where o.tenant_id = $1 and o.order_id in (select order_id from named)
