-- Files that come with messages and notes. What they hold is in a store outside of the database, under the tenant's and
-- the file's own ids.

create table support_app.attachment (
    id           uuid primary key,
    tenant_id    uuid not null references shared.tenant (id),
    -- Null until it is sent along.
    ticket_id    uuid references support_app.ticket (id) on delete set null,
    message_id   uuid references support_app.message (id) on delete set null,
    name         text not null,
    -- As its first bytes say, and never what the sender says.
    content_type text not null,
    size_bytes   bigint not null,
    sha256       bytea not null,
    uploaded_by  text not null,
    created_at   timestamptz not null default now(),
    constraint attachment_name_length check (char_length(name) between 1 and 200),
    constraint attachment_size_positive check (size_bytes > 0)
);
create index attachment_by_message on support_app.attachment (message_id) where message_id is not null;
create index attachment_by_ticket on support_app.attachment (ticket_id) where ticket_id is not null;
-- Those that nobody sent along.
create index attachment_left on support_app.attachment (tenant_id, created_at) where message_id is null;

alter table support_app.attachment enable row level security;
create policy own_tenant on support_app.attachment to desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on support_app.attachment to desk_support;
