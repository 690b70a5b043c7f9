-- Tickets as they were made.
-- $1 from, $2 until, $3 and $4 the last one of the page before, $5 how many, $6 warning or breach
select t.id::text as key, t.id as ticket_id, t.created_at as at, null::uuid as message_id, '{}'::jsonb as detail,
       null::uuid as by_rule
from support_app.ticket t
where t.tenant_id = shared.current_tenant() and t.created_at >= $1 and t.created_at <= $2
  and ($3::timestamptz is null or (t.created_at, t.id::text) > ($3, $4)) and $6::text is not null
order by t.created_at, t.id::text limit $5
