-- Who has an e-mail address, at most ten. Parameter: 1 the address as normalised. An address is an identity, the id of somebody
-- of whom nothing else is known, or, for who was imported before identities were kept, what their row says.
with
tenant as materialized (select shared.current_tenant() as id),
hits as (
    select customer_id from platform.customer_identity
    where tenant_id = (select id from tenant) and kind in ('email', 'shop') and value = $1
    union all
    select customer_id from platform.customer where tenant_id = (select id from tenant) and customer_id = $1
    union all
    select customer_id from platform.customers_by_address(array[$1])
)
select distinct coalesce(c.merged_into, c.customer_id)
from hits join platform.customer c on c.tenant_id = (select id from tenant) and c.customer_id = hits.customer_id
order by 1 limit 10
