-- One ticket and its assignment: the open row, the last one that was closed, who has it and how they stand, and whether
-- the waiting queue is worth a look.
select t.assignee_id, t.assignment_state, t.status,
       support_app.open_units(t.channel, t.status, t.snoozed_until, t.archived_at, t.merged_into, t.is_spam,
                              t.suspended_reason) as units,
       o.id as open_id, o.agent_id as open_agent, o.units as open_units,
       l.agent_id as last_agent, coalesce(l.state = 'completed', false) as last_completed,
       -- Busy and away people are there: what they worked on comes back to them.
       coalesce(a.disabled_at is null and a.is_present and a.availability <> 'offline', false) as assignee_is_there,
       a.load, a.capacity,
       t.assignment_state in ('assigned', 'accepted') and exists (
           select from support_app.message m
           where m.ticket_id = t.id and m.author_id = t.assignee_id and not m.internal and m.sent_at >= t.assigned_at
       ) as has_begun,
       -- A ticket that waits while nobody has room needs no look, once the managers know.
       t.status = 'open' and t.assignee_id is null
         and coalesce((select r.automatic from support_app.routing r where r.tenant_id = t.tenant_id), true)
         and (exists (select from support_app.agent f
                      where f.tenant_id = t.tenant_id and f.disabled_at is null and f.accepts_new and f.is_present
                        and f.availability = 'online' and f.load < f.capacity)
              or (not exists (select from support_app.routing r
                              where r.tenant_id = t.tenant_id and r.told_at is not null)
                  and exists (select from support_app.agent f
                              where f.tenant_id = t.tenant_id and f.disabled_at is null))) as drain_helps,
       coalesce(nullif(current_setting('desk.actor', true), ''), 'system') as actor
from support_app.ticket t
left join support_app.agent a on a.id = t.assignee_id
left join support_app.assignment o on o.ticket_id = t.id and o.until_at is null
left join lateral (
    select h.agent_id, h.state from support_app.assignment h
    where h.ticket_id = t.id and h.until_at is not null order by h.from_at desc, h.id desc limit 1
) l on true
where t.id = $1
