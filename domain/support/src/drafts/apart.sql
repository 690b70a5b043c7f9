-- Drafts that were written while a ticket was merged into others: each goes where the message is that it answers, the last of a
-- customer's that was there, or, once it was sent, where that message is. One that was not sent is out of date: it saw both.
-- Parameters: 1 the tickets in which it went on, 2 the one that is back, 3 since when it was merged.
with written as (
    select d.id, coalesce(
        (select m.ticket_id from support_app.message m
         where m.id = d.sent_message_id and (m.ticket_id = any($1) or m.ticket_id = $2)),
        (select m.ticket_id from support_app.message m
         where (m.ticket_id = any($1) or m.ticket_id = $2) and m.created_at <= d.created_at
           and not m.from_agent and not m.internal and not m.by_machine
         order by m.created_at desc, m.id desc limit 1)
    ) as answers
    from support_app.draft d
    where d.ticket_id = any($1) and d.created_at >= $3
)
update support_app.draft d set
    ticket_id = case when w.answers = $2 then $2 else d.ticket_id end,
    message_count = case when d.sent_at is null then 0 else d.message_count end,
    version = d.version + 1
from written w where d.id = w.id
