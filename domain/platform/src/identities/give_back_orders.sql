-- Gives orders that name somebody back to them. Parameters: 1 tenant, 2 who has them, 3 whose they are, 4 all ids that were
-- theirs.
with
named as materialized (
    select o.order_id, o.lines_key, o.lines
    from platform.order o
    where o.tenant_id = $1 and o.customer_id = $2 and o.stated_customer = any ($4)
      and o.order_id in (select order_id from platform.order_line where tenant_id = $1 and customer_id = $2)
),
lines as (
    update platform.order_line l set customer_id = $3
    from named n
    where l.tenant_id = $1 and l.line_key >= n.lines_key and l.line_key < platform.line_key_of(n.lines_key, n.lines)
)
update platform.order o set customer_id = $3, stated_customer = nullif(o.stated_customer, $3)
from named n
where o.tenant_id = $1 and o.order_id = n.order_id
