-- Who is known by a help desk's id, if that is one customer: an id that points at several says nothing. At most one row.
-- Parameter: 1 the help desk's id of the customer.
select min(coalesce(c.merged_into, c.customer_id))
from platform.customer_identity i join platform.customer c on c.tenant_id = i.tenant_id and c.customer_id = i.customer_id
where i.tenant_id = (select shared.current_tenant()) and i.kind = 'desk' and i.value = $1
having count(distinct coalesce(c.merged_into, c.customer_id)) = 1
