-- What decides whether a ticket gets a draft. Parameter: 1 the ticket.
select t.status, t.tags, t.is_spam,
       -- Of two at the same moment the customer's counts. What machines sent is no answer, nor is what is not on its way.
       coalesce((
           select m.from_agent from support_app.message m
           where m.ticket_id = t.id and not m.internal and not m.by_machine
             and (m.delivery is null or m.delivery in ('queued', 'sent'))
           order by m.sent_at desc, m.from_agent
           limit 1
       ), false) as agent_spoke_last,
       exists (
           select from support_app.message m
           where m.ticket_id = t.id and not m.from_agent and not m.internal and not m.by_machine
             and coalesce(m.stripped_text, m.body_text) ~ '[^[:space:]]'
       ) as has_words,
       -- The last delivery that called it spam or deleted, unless a later one deserved a draft.
       (
           select i.skip_reason from support_app.inbox i
           where i.ticket_id = t.id and i.skip_reason in ('ticket_spam', 'ticket_deleted')
             and not exists (
                 select from support_app.inbox later
                 where later.tenant_id = i.tenant_id and later.received_at > i.received_at
                   and later.ticket_id = i.ticket_id and later.decision = 'queued'
             )
           order by i.received_at desc, i.id desc
           limit 1
       ) as trash
from support_app.ticket t
where t.id = $1
