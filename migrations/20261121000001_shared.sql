-- Database roles, the schema `shared` (tenants, API keys, audit trail, integration settings).
--
-- Roles belong to the whole server, not to one database, so each is created only when it is missing and a
-- concurrent creation by another database's migration is tolerated. The group roles carry the grants; the
-- login roles inherit nothing and take one group role a transaction (`set local role`), so that a statement
-- never has more rights than its purpose. Login roles are created without a password: the operator sets one
-- (`alter role desk_api password ...`) where the server asks for it.
--
-- Row-level security: a tenant's rows are visible only while desk.tenant_id names that tenant. The owner of
-- the tables (the role that migrates) is exempt, which migrations and backups need.

do $roles$
declare
    member record;
    tries int;
begin
    for member in
        select name, login from (values
            ('desk_platform', false), ('desk_support', false), ('desk_marketing', false),
            ('desk_queue', false), ('desk_gateway', false),
            ('desk_api', true), ('desk_worker', true), ('desk_scheduler', true)) as wanted (name, login)
    loop
        if not exists (select from pg_roles where rolname = member.name) then
            begin
                if member.login then
                    execute format('create role %I login noinherit', member.name);
                else
                    execute format('create role %I nologin', member.name);
                end if;
            exception when duplicate_object or unique_violation then
                raise notice 'role % was created by somebody else meanwhile', member.name;
            end;
        end if;
    end loop;

    for member in
        select g.name as grp, l.name as login
        from (values ('desk_platform'), ('desk_support'), ('desk_marketing'), ('desk_queue'), ('desk_gateway')) as g (name)
        cross join (values ('desk_api'), ('desk_worker')) as l (name)
        union all values ('desk_queue', 'desk_scheduler')
    loop
        tries := 0;
        while not exists (
            select from pg_auth_members am
            join pg_roles g on g.oid = am.roleid
            join pg_roles l on l.oid = am.member
            where g.rolname = member.grp and l.rolname = member.login)
        loop
            begin
                execute format('grant %I to %I', member.grp, member.login);
            -- Two databases of one server that migrate at once touch the same catalogue row.
            exception when unique_violation or internal_error then
                tries := tries + 1;
                if tries >= 20 then
                    raise;
                end if;
                perform pg_sleep(0.05);
            end;
        end loop;
    end loop;
end
$roles$;

create schema shared;

-- The tenant of the current transaction, or null when none was set (then no policy lets a row through).
create function shared.current_tenant() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('desk.tenant_id', true), '')::uuid;

create table shared.tenant (
    id          uuid primary key,
    slug        text not null,
    name        text not null,
    timezone    text not null default 'UTC',
    ai_settings jsonb not null default '{}',
    created_at  timestamptz not null default now(),
    constraint tenant_slug_unique unique (slug),
    constraint tenant_slug_form check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    constraint tenant_name_length check (char_length(name) between 1 and 200)
);

create table shared.api_key (
    id           uuid primary key,
    tenant_id    uuid not null references shared.tenant (id),
    name         text not null,
    prefix       text not null,
    secret_hash  bytea not null,
    scopes       text[] not null,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    constraint api_key_prefix_unique unique (prefix),
    constraint api_key_prefix_form check (prefix ~ '^[0-9a-f]{12}$'),
    constraint api_key_hash_length check (octet_length(secret_hash) = 32),
    constraint api_key_name_length check (char_length(name) between 1 and 200)
);
create index api_key_by_tenant on shared.api_key (tenant_id, id);

-- tenant_id is null for what an operator does to the whole cluster.
create table shared.audit (
    id             uuid primary key,
    tenant_id      uuid references shared.tenant (id),
    actor          text not null,
    action         text not null,
    subject        text not null,
    detail         jsonb not null default '{}',
    correlation_id text,
    at             timestamptz not null default now()
);
create index audit_by_tenant_and_time on shared.audit (tenant_id, at desc, id desc);
create index audit_by_time on shared.audit (at desc, id desc);

create table shared.integration (
    tenant_id      uuid not null references shared.tenant (id),
    provider       text not null,
    config         jsonb not null default '{}',
    sealed_secrets bytea not null,
    updated_at     timestamptz not null default now(),
    primary key (tenant_id, provider)
);

alter table shared.tenant enable row level security;
alter table shared.api_key enable row level security;
alter table shared.audit enable row level security;
alter table shared.integration enable row level security;

-- The gateway works before the tenant is known, hence across tenants.
create policy gateway on shared.tenant to desk_gateway using (true) with check (true);
create policy gateway on shared.api_key to desk_gateway using (true) with check (true);
create policy gateway on shared.audit to desk_gateway using (true) with check (true);
create policy gateway on shared.integration to desk_gateway using (true) with check (true);

create policy own_tenant on shared.tenant for select
    to desk_platform, desk_support, desk_marketing using (id = shared.current_tenant());
create policy own_tenant on shared.audit for insert
    to desk_platform, desk_support, desk_marketing with check (tenant_id = shared.current_tenant());
create policy own_tenant on shared.integration for select
    to desk_support, desk_platform, desk_marketing using (tenant_id = shared.current_tenant());

grant usage on schema shared to desk_platform, desk_support, desk_marketing, desk_queue, desk_gateway;
grant execute on function shared.current_tenant() to desk_platform, desk_support, desk_marketing, desk_queue, desk_gateway;

grant select on shared.tenant, shared.api_key, shared.audit, shared.integration to desk_gateway;
grant insert on shared.tenant, shared.api_key, shared.audit, shared.integration to desk_gateway;
grant update (name, timezone, ai_settings) on shared.tenant to desk_gateway;
grant update (last_used_at, revoked_at) on shared.api_key to desk_gateway;
grant update (config, sealed_secrets, updated_at) on shared.integration to desk_gateway;

-- What an app does is audited in the transaction that does it; only the gateway reads the trail.
grant select on shared.tenant, shared.integration to desk_platform, desk_support, desk_marketing;
grant insert on shared.audit to desk_platform, desk_support, desk_marketing;

-- Readiness compares the applied schema version with the one that the program was built for.
grant select on public._sqlx_migrations to desk_gateway;
