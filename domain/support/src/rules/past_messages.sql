-- What customers wrote, but what was history when it came.
-- $1 from, $2 until, $3 and $4 the last one of the page before, $5 how many, $6 warning or breach
select m.id::text as key, m.ticket_id, m.created_at as at, m.id as message_id, '{}'::jsonb as detail,
       null::uuid as by_rule
from support_app.message m
where m.tenant_id = shared.current_tenant() and m.created_at >= $1 and m.created_at <= $2
  and not m.from_agent and not m.internal and not m.by_machine and m.sent_at > m.created_at - interval '1 day'
  and ($3::timestamptz is null or (m.created_at, m.id::text) > ($3, $4)) and $6::text is not null
order by m.created_at, m.id::text limit $5
