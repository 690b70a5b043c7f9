-- $1 now, $2 a ticket or null for all of the tenant's, $3 how many clocks at most
with due as materialized (
    select c.ticket_id from support_app.sla_clock c
    where c.next_alert_at <= $1 and ($2::uuid is null or c.ticket_id = $2)
    order by c.next_alert_at limit $3
),
-- the ticket is locked before its clocks, as everywhere
locked as materialized (
    select t.id, t.number, t.assignee_id from support_app.ticket t
    where t.id in (select ticket_id from due) order by t.id for update skip locked
),
-- who lost a race finds here what the winner wrote
moved as (
    update support_app.sla_clock c set
        standing = case when c.due_at < $1 then 'breached' when c.state = 'ended' then c.standing else 'at_risk' end,
        announced = case when c.due_at < $1 then 2 else 1 end,
        next_alert_at = case when c.due_at < $1 then null else c.due_at end
    from locked l
    where c.ticket_id = l.id and c.next_alert_at <= $1 and (c.due_at < $1 or c.announced = 0)
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
    select t.ticket_id, support_app.emit(t.tenant_id, 'sla_' || t.kind, t.ticket_id, l.assignee_id, jsonb_build_object(
        'number', l.number, 'clock', t.clock, 'seq', t.seq, 'due_at', t.due_at, 'target_version', t.target_version))
    from told t join locked l on l.id = t.ticket_id
),
worse as (
    update support_app.ticket t set sla_state = w.state
    from (
        select m.ticket_id, case when bool_or(m.standing = 'breached') then 'breached' else 'at_risk' end as state
        from moved m where m.state <> 'ended' group by m.ticket_id
    ) w
    where t.id = w.ticket_id and t.sla_state is distinct from 'breached' and t.sla_state is distinct from w.state
)
select c.ticket_id,
       (select count(*) from news n where n.ticket_id = c.ticket_id) as alerts,
       min(case when m.ticket_id is null then c.next_alert_at else m.next_alert_at end) as next_alert_at
from support_app.sla_clock c
left join moved m on (m.ticket_id, m.kind, m.seq) = (c.ticket_id, c.kind, c.seq)
where c.ticket_id in (select ticket_id from moved)
group by c.ticket_id
