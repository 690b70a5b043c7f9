-- Moves messages from one ticket to another; how many of them count as messages between customer and agents.
-- Parameters: 1 from, 2 to, 3 the tickets that they came to, or null for all. A message that the other ticket has already
-- stays where it is.
with moved as (
    update support_app.message m set
        ticket_id = $2,
        origin_ticket_id = nullif(coalesce(m.origin_ticket_id, $1), $2),
        moved_at = clock_timestamp()
    where m.ticket_id = $1
      and ($3::uuid[] is null or m.origin_ticket_id = any($3))
      and not exists (
          select from support_app.message x
          where x.tenant_id = m.tenant_id and x.ticket_id = $2 and x.external_id = m.external_id
      )
    returning m.id, m.internal, m.delivery
), files as (
    update support_app.attachment a set ticket_id = $2 from moved where a.message_id = moved.id
)
select count(*) filter (where not internal and (delivery is null or delivery in ('queued', 'sent')))::integer from moved
