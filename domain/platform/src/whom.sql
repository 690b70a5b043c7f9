-- Whom contact details name: their ids, the one if it is one, and whether the help desk's id is news of that one; always one row.
-- Parameters: 1 the shop's id, 2 the e-mail address, both as normalised, 3 the help desk's id; each may be missing.
-- In braces stand statements that have files of their own: find_by_id.sql, find_by_email.sql and find_by_desk.sql.
with
by_id as materialized (select * from ({by_id}) as known (id)),
-- who is known by the id is not looked for by the address
by_email as materialized (
    select * from ({by_email}) as known (id) where not exists (select from by_id)
),
-- and only whom neither names by what the help desk calls them
by_desk as materialized (
    select * from ({by_desk}) as known (id)
    where not exists (select from by_id) and not exists (select from by_email)
),
found as (
    select coalesce(array_agg(id order by id), array[]::text[]) as ids,
           case when count(*) = 1 then min(id) end as id
    from (select id from by_id union all select id from by_email union all select id from by_desk) each
)
select found.ids, found.id,
       $3::text is not null and found.id is not null and not exists (select from by_desk)
       -- an id that ten customers share is that of a form or a channel: no more are noted
       and (select count(*) < 10 and coalesce(bool_and(noted.customer_id <> found.id), true)
            from (select i.customer_id from platform.customer_identity i
                  where i.tenant_id = (select shared.current_tenant()) and i.kind = 'desk' and i.value = $3
                  limit 10) noted) as is_news
from found
