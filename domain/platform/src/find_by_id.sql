-- Who has a shop's id: a customer, or who they were merged into, or who has the id as a further one. At most one row.
-- Parameter: 1 the id as normalised.
select coalesce(merged_into, customer_id) from platform.customer
where tenant_id = (select shared.current_tenant()) and customer_id = $1
union all
select customer_id from platform.customer_identity
where tenant_id = (select shared.current_tenant()) and kind = 'shop' and value = $1
limit 1
