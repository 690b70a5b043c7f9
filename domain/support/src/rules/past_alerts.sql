-- Warnings or breaches that were told.
-- $1 from, $2 until, $3 and $4 the last one of the page before, $5 how many, $6 warning or breach
select concat_ws(' ', a.ticket_id, a.clock, a.seq, a.target_version) as key, a.ticket_id, a.at, null::uuid as message_id,
       jsonb_build_object('clock', a.clock) as detail, null::uuid as by_rule
from support_app.sla_alert a
where a.tenant_id = shared.current_tenant() and a.kind = $6 and a.at >= $1 and a.at <= $2
  and ($3::timestamptz is null or (a.at, concat_ws(' ', a.ticket_id, a.clock, a.seq, a.target_version)) > ($3, $4))
order by a.at, concat_ws(' ', a.ticket_id, a.clock, a.seq, a.target_version) limit $5
