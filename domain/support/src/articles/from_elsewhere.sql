-- Messages that came by mail from an address that is not their ticket's customer's.
-- Parameters: 1 messages.
select m.id as message, coalesce(m.sender_email, '') as sender, coalesce(t.customer_id, t.known_customer) as customer
from support_app.message m
join support_app.ticket t on t.id = m.ticket_id
-- The ticket that it came to, when a merge brought it here.
left join support_app.ticket o on o.id = m.origin_ticket_id
-- Who opened the ticket that it came to. All that came to it is in one ticket.
cross join lateral (
    select f.sender_email, f.mail_id from support_app.message f
    where f.ticket_id = m.ticket_id and f.origin_ticket_id is not distinct from m.origin_ticket_id
      and not f.by_machine and not f.internal
    order by f.sent_at, f.id limit 1
) opened
-- Whoever mailed it and was erased since has no address any more.
where m.id = any($1) and not m.from_agent and (m.sender_email is not null or m.mail_id is not null)
  and not coalesce(lower(m.sender_email) = lower(t.customer_email), false)
  and not coalesce(lower(m.sender_email) = lower(o.customer_email), false)
  and not (
      opened.mail_id is not null and coalesce(opened.sender_email = m.sender_email, false)
      and not exists (
          select from support_app.ticket_change c
          where c.ticket_id = coalesce(m.origin_ticket_id, m.ticket_id) and c.field = 'customer_id'
            and jsonb_typeof(c.old) = 'string'
      )
  )
