-- $1 tenant, $2 tickets with all of their clocks
with told as (
    select t.* from jsonb_to_recordset($2) as t (id uuid, clocks jsonb)
),
clock as (
    select t.id as ticket_id, c.*
    from told t cross join lateral jsonb_to_recordset(t.clocks) as c (
        kind text, seq integer, started_at timestamptz, state text, standing text, due_at timestamptz,
        warn_at timestamptz, ended_at timestamptz, ended_by text, verdict text, elapsed_micros bigint,
        calendar_secs double precision, business_secs double precision, policy_version uuid, calendar_version uuid,
        target_minutes bigint, target_version integer, superseded jsonb, announced smallint, next_alert_at timestamptz,
        replies integer)
),
-- what was derived before facts came that say otherwise
gone as (
    delete from support_app.sla_clock k using told t
    where k.ticket_id = t.id
      and not exists (select from clock c where (c.ticket_id, c.kind, c.seq) = (k.ticket_id, k.kind, k.seq))
)
insert into support_app.sla_clock as k
    (ticket_id, kind, seq, tenant_id, started_at, state, standing, due_at, warn_at, ended_at, ended_by, verdict,
     elapsed_micros, calendar_secs, business_secs, policy_version, calendar_version, target_minutes, target_version,
     superseded, announced, next_alert_at, replies)
select c.ticket_id, c.kind, c.seq, $1, c.started_at, c.state, c.standing, c.due_at, c.warn_at, c.ended_at,
       c.ended_by, c.verdict, c.elapsed_micros, c.calendar_secs, c.business_secs, c.policy_version,
       c.calendar_version, c.target_minutes, c.target_version, c.superseded, c.announced, c.next_alert_at, c.replies
from clock c
on conflict (ticket_id, kind, seq) do update set
    started_at = excluded.started_at, state = excluded.state, standing = excluded.standing,
    due_at = excluded.due_at, warn_at = excluded.warn_at, ended_at = excluded.ended_at,
    ended_by = excluded.ended_by, verdict = excluded.verdict, elapsed_micros = excluded.elapsed_micros,
    calendar_secs = excluded.calendar_secs, business_secs = excluded.business_secs,
    policy_version = excluded.policy_version, calendar_version = excluded.calendar_version,
    target_minutes = excluded.target_minutes, target_version = excluded.target_version,
    superseded = excluded.superseded, announced = excluded.announced, next_alert_at = excluded.next_alert_at,
    replies = excluded.replies
where (k.started_at, k.state, k.standing, k.due_at, k.warn_at, k.ended_at, k.ended_by, k.verdict, k.calendar_secs,
       k.business_secs, k.policy_version, k.target_minutes, k.target_version, k.superseded, k.announced,
       k.next_alert_at, k.replies)
      is distinct from
      (excluded.started_at, excluded.state, excluded.standing, excluded.due_at, excluded.warn_at,
       excluded.ended_at, excluded.ended_by, excluded.verdict, excluded.calendar_secs, excluded.business_secs,
       excluded.policy_version, excluded.target_minutes, excluded.target_version, excluded.superseded,
       excluded.announced, excluded.next_alert_at, excluded.replies)
