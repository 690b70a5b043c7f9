-- What a ticket's messages say of who wrote when, on a ticket that stays locked. Answers whether it is there.
-- Parameter: 1 the ticket.
with
held as (
    select t.id from support_app.ticket t where t.id = $1 for no key update
),
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
),
waiting as (
    select min(w.sent_at) as since
    from support_app.message w, said s
    where w.ticket_id = $1 and not w.from_agent and not w.internal and not w.by_machine
      and (s.last_reply is null or w.sent_at > s.last_reply)
),
written as (
    update support_app.ticket t set
        first_customer_message_at = s.first_customer, last_customer_message_at = s.last_customer,
        first_reply_at = s.first_reply, waiting_since = w.since
    from said s, waiting w
    where t.id = $1
      and (t.first_customer_message_at, t.last_customer_message_at, t.first_reply_at, t.waiting_since)
          is distinct from (s.first_customer, s.last_customer, s.first_reply, w.since)
)
select exists (select from held)
