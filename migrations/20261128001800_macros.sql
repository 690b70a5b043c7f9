-- Saved replies: texts with variables in one or more languages, and what happens to the ticket beside.

create table support_app.macro (
    id               uuid primary key,
    tenant_id        uuid not null references shared.tenant (id),
    name             text not null,
    folder           text,
    -- ISO 639-1 code to text.
    texts            jsonb not null,
    -- The text of a ticket whose language has none.
    default_language text not null,
    -- As for rules, but replies and calls: tags, status, priority, assignment.
    actions          jsonb not null default '[]',
    uses             bigint not null default 0,
    last_used_at     timestamptz,
    version          bigint not null default 1,
    changed_by       text not null,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    archived_at      timestamptz,
    constraint macro_name_length check (char_length(name) between 1 and 200),
    constraint macro_folder_length check (char_length(folder) between 1 and 100),
    constraint macro_texts_object check (jsonb_typeof(texts) = 'object' and texts ? default_language)
);
create unique index macro_name_once on support_app.macro (tenant_id, lower(name)) where archived_at is null;

alter table support_app.macro enable row level security;
create policy own_tenant on support_app.macro to desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on support_app.macro to desk_support;
