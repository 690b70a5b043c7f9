-- Schema `platform`: customers, order lines, profiles derived from them, and imports.
-- Written by desk_platform; the other apps read.
--
-- The big tables have no foreign key to the tenant: its check for every row costs a quarter of an import's time,
-- and row-level security lets a row in for the transaction's tenant only, which `import_run` proves to exist.

create schema platform;

create table platform.customer (
    tenant_id   uuid not null,
    -- The shop's own id.
    customer_id text not null,
    email       text,
    name        text,
    created_at  timestamptz not null default now(),
    primary key (tenant_id, customer_id),
    constraint customer_id_length check (char_length(customer_id) between 1 and 128)
);
create index customer_by_email on platform.customer (tenant_id, lower(email)) where email is not null;

create table platform.order_line (
    tenant_id   uuid not null,
    -- Hash of what the line says and of its number among equal lines of its order: the same line imported
    -- again has the same key.
    line_key    uuid not null,
    order_id    text not null,
    customer_id text not null,
    ordered_at  timestamptz not null,
    product_id  text,
    category    text,
    quantity    numeric(14, 3) not null,
    amount      numeric(14, 2) not null,
    list_amount numeric(14, 2),
    currency    text not null,
    is_return   boolean not null,
    primary key (tenant_id, line_key),
    constraint order_line_currency_form check (currency ~ '^[A-Z]{3}$')
);
create index order_line_by_customer on platform.order_line (tenant_id, customer_id, ordered_at);

-- Derived from order_line, refreshed in the transaction that changes a customer's lines.
create table platform.customer_profile (
    tenant_id        uuid not null,
    customer_id      text not null,
    orders           integer not null,
    lines            integer not null,
    -- Net of returns.
    spend            numeric(16, 2) not null,
    currency         text not null,
    returned_value   numeric(16, 2) not null,
    first_order_at   timestamptz,
    last_order_at    timestamptz,
    mean_order_value numeric(16, 2),
    refreshed_at     timestamptz not null default now(),
    primary key (tenant_id, customer_id)
);

create table platform.import_run (
    -- The id of the job that imports.
    id           uuid primary key,
    tenant_id    uuid not null references shared.tenant (id),
    source       text not null,
    size_bytes   bigint,
    fingerprint  bytea not null,
    next_byte    bigint not null default 0,
    next_line    bigint not null default 1,
    lines_read   bigint not null default 0,
    inserted     bigint not null default 0,
    duplicates   bigint not null default 0,
    rejected     bigint not null default 0,
    state        text not null default 'running',
    started_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    finished_at  timestamptz,
    constraint import_run_state_known check (state in ('running', 'done', 'cancelled'))
);
create index import_run_by_tenant on platform.import_run (tenant_id, started_at desc);

create table platform.import_reject (
    tenant_id   uuid not null references shared.tenant (id),
    import_id   uuid not null references platform.import_run (id) on delete cascade,
    line_number bigint not null,
    reason      text not null,
    raw         text not null,
    primary key (import_id, line_number),
    constraint import_reject_raw_length check (char_length(raw) <= 500)
);

do $policies$
declare
    name text;
begin
    foreach name in array array['customer', 'order_line', 'customer_profile', 'import_run', 'import_reject'] loop
        execute format('alter table platform.%I enable row level security', name);
        execute format(
            'create policy own_tenant on platform.%I to desk_platform, desk_support, desk_marketing '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;

grant usage on schema platform to desk_platform, desk_support, desk_marketing;
grant select, insert, update, delete on all tables in schema platform to desk_platform;
grant select on all tables in schema platform to desk_support, desk_marketing;
-- The batch of an import passes through a temporary table.
do $temporary$
begin
    execute format('grant temporary on database %I to desk_platform', current_database());
end
$temporary$;
