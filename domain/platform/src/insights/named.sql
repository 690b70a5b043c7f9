-- Whom a ticket names, with everything that is shown of them where it is one customer; always one row.
-- Parameters: 1 the shop's id, 2 the e-mail address, both as normalised; either may be missing.
-- In braces stand statements that have files of their own: find_by_id.sql, find_by_email.sql and customer.sql.
with
by_id as materialized (select * from ({by_id}) as known (id)),
-- who is known by the id is not looked for by the address
by_email as materialized (
    select * from ({by_email}) as known (id) where not exists (select from by_id)
),
found as (
    select coalesce(array_agg(id order by id), array[]::text[]) as ids,
           case when count(*) = 1 then min(id) end as id
    from (select id from by_id union all select id from by_email) either
)
select found.ids, known.*, named.given
from found
left join lateral ({customer}) known on true
-- what the tenant calls archetypes of the version
left join lateral (
    select jsonb_object_agg(a.archetype_id, a.name) as given from platform.archetype_name a
    where a.tenant_id = (select shared.current_tenant()) and a.segmentation_id = known.segmentation_id
) named on true
