-- The texts of a ticket go on in another, behind what their writers have there; which part came from where is kept.
-- Parameters: 1 from, 2 to.
with texts as (
    select r.*, not exists (
        select from support_app.reply_text o where o.ticket_id = $2 and o.writer_id = r.writer_id
    ) as is_all
    from support_app.reply_text r where r.ticket_id = $1 for update of r
), gone_on as (
    insert into support_app.reply_text as r
        (tenant_id, ticket_id, writer_id, body_text, last_seen_message_id, version)
    select tenant_id, $2, writer_id, body_text, last_seen_message_id, version from texts
    on conflict (ticket_id, writer_id) do update set
        body_text = r.body_text || E'\n\n' || excluded.body_text, version = r.version + 1, updated_at = now()
), deeper as (
    -- Parts that had come to the first one before.
    update support_app.reply_text_part p set ticket_id = $2, is_all = p.is_all and t.is_all
    from texts t where p.ticket_id = $1 and p.writer_id = t.writer_id
)
insert into support_app.reply_text_part
    (tenant_id, ticket_id, writer_id, origin_ticket_id, body_text, last_seen_message_id, is_all)
select tenant_id, $2, writer_id, $1, body_text, last_seen_message_id, is_all from texts
on conflict (ticket_id, writer_id, origin_ticket_id) do update set
    body_text = excluded.body_text, last_seen_message_id = excluded.last_seen_message_id, is_all = excluded.is_all
