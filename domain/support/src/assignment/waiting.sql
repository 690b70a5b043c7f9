-- What is known of tickets at the head of the waiting queue ($1), those that still wait, locked in the order of their ids as
-- everybody locks them; who calls puts them into smart order again.
-- `given_away_by` is who last had it and handed it on or back.
select t.id, t.rank, support_app.units_of(t.channel) as units, t.language, t.department, t.skills, t.customer_tier as tier,
       coalesce(t.waiting_since, t.created_at) as since,
       (select case when a.state in ('transferred', 'unassigned') then a.agent_id end
        from support_app.assignment a where a.ticket_id = t.id order by a.from_at desc, a.id desc limit 1) as given_away_by,
       (select a.end_why = 'offline' from support_app.assignment a
        where a.ticket_id = t.id order by a.from_at desc, a.id desc limit 1) as is_offered_again
from support_app.ticket t
where t.id = any ($1)
  and t.status = 'open' and t.assignee_id is null and t.snoozed_until is null and t.archived_at is null
  and t.merged_into is null and not t.is_spam and t.suspended_reason is null
order by t.id
for no key update of t
