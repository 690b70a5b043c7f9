-- What customers said of the help that they got.
-- $1 from, $2 until, $3 and $4 the last one of the page before, $5 how many, $6 warning or breach
select r.id::text as key, r.ticket_id, r.created_at as at, null::uuid as message_id,
       jsonb_build_object('score', r.score) as detail, null::uuid as by_rule
from support_app.rating r
where r.tenant_id = shared.current_tenant() and r.created_at >= $1 and r.created_at <= $2
  and ($3::timestamptz is null or (r.created_at, r.id::text) > ($3, $4)) and $6::text is not null
order by r.created_at, r.id::text limit $5
