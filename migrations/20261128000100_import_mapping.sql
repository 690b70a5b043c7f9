-- What a tenant says about files that no profile knows, under a name.
create table platform.import_mapping (
    tenant_id   uuid not null references shared.tenant (id) on delete cascade,
    name        text not null check (length(name) between 1 and 64),
    mapping     jsonb not null check (pg_column_size(mapping) <= 65536),
    updated_at  timestamptz not null default now(),
    primary key (tenant_id, name)
);
alter table platform.import_mapping enable row level security;
create policy own_tenant on platform.import_mapping to desk_platform, desk_support, desk_marketing
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on platform.import_mapping to desk_platform;
grant select on platform.import_mapping to desk_support, desk_marketing;
