-- What somebody was writing in a ticket that was merged goes on in the other one. Which part of the text there came from where
-- is kept, so that the end of the merge gives it back. A part goes with the text that it is in, when that was sent or thrown away.
create table support_app.reply_text_part (
    tenant_id            uuid not null references shared.tenant (id),
    ticket_id            uuid not null,
    writer_id            uuid not null,
    -- The ticket in which it was written.
    origin_ticket_id     uuid not null references support_app.ticket (id) on delete cascade,
    body_text            text not null,
    last_seen_message_id uuid,
    -- The writer had no text in the other ticket, so all that they write there goes on in this one.
    is_all               boolean not null,
    primary key (ticket_id, writer_id, origin_ticket_id),
    constraint reply_text_part_of foreign key (ticket_id, writer_id)
        references support_app.reply_text (ticket_id, writer_id) on delete cascade
);
create index reply_text_part_by_origin on support_app.reply_text_part (origin_ticket_id);

alter table support_app.reply_text_part enable row level security;
create policy own_tenant on support_app.reply_text_part to desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on support_app.reply_text_part to desk_support;
