-- $1 now, $2 a ticket or null for all of the tenant's, $3 how many clocks at most
--
-- How many rows a CTE will have is not known to the planner, so none is joined with another one: it would walk through
-- the one for each row of the other. What they hold goes on as arrays, by primary keys, and as a union.
-- Whether there is a ticket decides which half is run, so one plan is good for both.
with due as materialized (
    (select c.ticket_id from support_app.sla_clock c
     where $2::uuid is null and c.next_alert_at <= $1 order by c.next_alert_at limit $3)
    union all
    select c.ticket_id from support_app.sla_clock c where c.ticket_id = $2 and c.next_alert_at <= $1
),
-- the ticket is locked before its clocks, as everywhere
locked as materialized (
    select t.id from support_app.ticket t
    where t.id in (select ticket_id from due) order by t.id for no key update skip locked
),
-- who lost a race finds here what the winner wrote
moved as (
    update support_app.sla_clock c set
        standing = case when c.due_at < $1 then 'breached' when c.state = 'ended' then c.standing else 'at_risk' end,
        announced = case when c.due_at < $1 then 2 else 1 end,
        next_alert_at = case when c.due_at < $1 then null else c.due_at end
    where c.ticket_id = any (array(select id from locked)) and c.next_alert_at <= $1 and (c.due_at < $1 or c.announced = 0)
    returning c.ticket_id, c.kind, c.seq, c.tenant_id, c.target_version, c.due_at, c.state, c.standing, c.announced,
              c.next_alert_at
),
told as (
    insert into support_app.sla_alert (ticket_id, clock, seq, kind, target_version, tenant_id, due_at)
    select m.ticket_id, m.kind, m.seq, case m.announced when 2 then 'breach' else 'warning' end, m.target_version,
           m.tenant_id, m.due_at
    from moved m
    on conflict do nothing
    returning ticket_id, clock, seq, kind, target_version, tenant_id, due_at
),
news as materialized (
    select a.ticket_id, support_app.emit(a.tenant_id, 'sla_' || a.kind, a.ticket_id, t.assignee_id, jsonb_build_object(
        'number', t.number, 'clock', a.clock, 'seq', a.seq, 'due_at', a.due_at, 'target_version', a.target_version))
    from told a join support_app.ticket t on t.id = a.ticket_id
),
worse as (
    update support_app.ticket t set sla_state = w.state
    from (
        select m.ticket_id, case when bool_or(m.standing = 'breached') then 'breached' else 'at_risk' end as state
        from moved m where m.state <> 'ended' group by m.ticket_id
    ) w
    where t.id = w.ticket_id and t.sla_state is distinct from 'breached' and t.sla_state is distinct from w.state
)
select ticket_id, sum(alerts)::bigint as alerts, min(next_alert_at) as next_alert_at
from (
    select m.ticket_id, 0 as alerts, m.next_alert_at from moved m
    union all
    -- the other clocks of those tickets
    select c.ticket_id, 0, c.next_alert_at from support_app.sla_clock c
    where c.ticket_id = any (array(select ticket_id from moved))
      and not coalesce(c.next_alert_at <= $1 and (c.due_at < $1 or c.announced = 0), false)
    union all
    select n.ticket_id, 1, null from news n
) found
group by ticket_id
