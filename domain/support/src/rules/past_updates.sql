-- Changes of tickets.
-- $1 from, $2 until, $3 and $4 the last one of the page before, $5 how many, $6 warning or breach
-- Fields that changed at one moment by one hand are one event; what a ticket's making brought along is none.
select c.ticket_id::text || ' ' || c.actor as key, c.ticket_id, c.at, null::uuid as message_id,
       jsonb_build_object('changed', jsonb_agg(distinct c.field)) as detail,
       case when starts_with(c.actor, 'rule:') then substr(c.actor, 6)::uuid end as by_rule
from support_app.ticket_change c join support_app.ticket t on t.id = c.ticket_id
where c.tenant_id = shared.current_tenant() and c.at >= $1 and c.at <= $2 and c.at > t.created_at
  and c.field in ('status', 'priority', 'assignee_id', 'department', 'skills', 'tags', 'subject', 'channel', 'customer_id',
                  'custom', 'language', 'snoozed_until', 'is_spam', 'suspended_reason')
  and ($3::timestamptz is null or (c.at, c.ticket_id::text || ' ' || c.actor) > ($3, $4)) and $6::text is not null
group by c.ticket_id, c.at, c.actor
order by c.at, c.ticket_id::text || ' ' || c.actor limit $5
