-- Whom a ticket names, with everything that is shown of them where it is one customer; always one row.
-- Parameters: those of whom.sql.
-- In braces stand statements that have files of their own: whom.sql and customer.sql.
select found.ids, known.*, named.given
from ({whom}) found
left join lateral ({customer}) known on true
-- what the tenant calls archetypes of the version
left join lateral (
    select jsonb_object_agg(a.archetype_id, a.name) as given from platform.archetype_name a
    where a.tenant_id = (select shared.current_tenant()) and a.segmentation_id = known.segmentation_id
) named on true
