-- Puts address, name and number of who was kept back to what they were, where they are those of who was merged now. Parameters:
-- 1 tenant, 2 who was kept, 3 who was merged, 4 addresses and ids of theirs, 5 what those of the first were; null for merges of
-- before that was kept: then an address that both had stays, and any other is their own id, if that is one.
update platform.customer k
set email = case when lower(k.email) = any ($4) or k.email = m.email
                 then case when $5::jsonb is not null then $5::jsonb ->> 'email'
                           when exists (select from platform.customer_identity i
                                        where i.tenant_id = $1 and i.kind = 'email' and i.value = lower(k.email)
                                          and i.customer_id = $2) then k.email
                           when k.customer_id like '%@%' then k.customer_id end
                 else k.email end,
    name = case when $5::jsonb is not null and k.name = m.name then $5::jsonb ->> 'name' else k.name end,
    phone = case when $5::jsonb is not null and k.phone = m.phone then $5::jsonb ->> 'phone' else k.phone end
from platform.customer m
where k.tenant_id = $1 and k.customer_id = $2 and m.tenant_id = $1 and m.customer_id = $3
