-- Where a tenant's orders lie elsewhere: a table of a database, or a file at an address, read again and again.
create table platform.order_source (
    tenant_id      uuid not null references shared.tenant (id),
    name           text not null,
    -- Where it is and how it is read, without secrets; see `platform::sources`.
    config         jsonb not null,
    -- The password, or nothing; sealed by whoever stores it.
    sealed_secrets bytea not null,
    -- The types of the columns that are read, as they were when it was saved: what changes stops the reading.
    columns        jsonb not null default '{}',
    -- Up to where it was read: the newest value of its column of changes, or the mark of the file.
    read_until     text,
    -- Why it is not read any more, in a sentence; none while it is.
    problem        text,
    -- The last reading, whose report is that of the import with this id.
    last_job       uuid,
    last_at        timestamptz,
    updated_at     timestamptz not null default now(),
    primary key (tenant_id, name),
    constraint order_source_name_form check (name ~ '^[A-Za-z0-9._-]{1,64}$')
);
alter table platform.order_source enable row level security;
create policy own_tenant on platform.order_source to desk_platform
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on platform.order_source to desk_platform;
