-- What a ticket's messages say of who wrote when, in one row.
-- Parameter: 1 the ticket, which is held.
with
spoken as (
    select x.sent_at, x.from_agent, min(x.sent_at) filter (where not x.from_agent) over () as first_customer_at
    from support_app.message x
    where x.ticket_id = $1 and not x.internal and not x.by_machine
      and (x.delivery is null or x.delivery in ('queued', 'sent'))
),
said as (
    select min(sent_at) filter (where not from_agent) as first_customer,
           max(sent_at) filter (where not from_agent) as last_customer,
           min(sent_at) filter (where from_agent and first_customer_at < sent_at) as first_reply,
           max(sent_at) filter (where from_agent) as last_reply
    from spoken
)
select s.first_customer as first_customer_message_at, s.last_customer as last_customer_message_at,
       s.first_reply as first_reply_at,
       (select min(w.sent_at) from support_app.message w
        where w.ticket_id = $1 and not w.from_agent and not w.internal and not w.by_machine
          and (s.last_reply is null or w.sent_at > s.last_reply)) as waiting_since
from said s
