-- Gives addresses and numbers back to who was merged, that became known by what sources said of them meanwhile. Parameters:
-- 1 tenant, 2 who has them, 3 whose they are, 4 all ids that were theirs, 5 when they were merged. Answers the addresses.
with
came as (
    delete from platform.customer_identity i
    where i.tenant_id = $1 and i.customer_id = $2 and i.kind in ('email', 'phone')
      and (i.stated_customer = any ($4) or (i.since > $5 and i.value = any ($4)))
    returning i.kind, i.value, i.stated_customer
),
theirs as (
    -- By their own id they are known as it is. Whom a source named may be one who was merged into them before.
    insert into platform.customer_identity (tenant_id, kind, value, customer_id, stated_customer)
    select $1, kind, value, $3, nullif(stated_customer, $3) from came where value <> $3
    on conflict do nothing
)
select value from came where kind = 'email'
