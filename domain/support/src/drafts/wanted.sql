-- What decides whether a ticket gets a draft. Parameter: 1 the ticket.
select t.status, t.tags, t.is_spam, t.subject,
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
       ) as customer_spoke,
       exists (
           select from support_app.message m
           where m.ticket_id = t.id and not m.from_agent and not m.internal and not m.by_machine
             and coalesce(m.stripped_text, m.body_text) ~ '[^[:space:]]'
       ) as has_text,
       -- The last delivery that called it spam or deleted, unless a later one deserved a draft. All of the ticket's are read
       -- before the last is chosen ("offset 0"), by inbox_by_ticket: they are few, and looking for the last one by time goes
       -- through the inbox of the whole shop.
       (
           select i.skip_reason
           from (
               select d.skip_reason, d.received_at, d.id from support_app.inbox d
               where d.tenant_id = t.tenant_id and d.ticket_id = t.id
                 and (d.decision = 'queued' or d.skip_reason in ('ticket_spam', 'ticket_deleted'))
               offset 0
           ) i
           order by i.received_at desc, i.id desc
           limit 1
       ) as trash
from support_app.ticket t
where t.id = $1
