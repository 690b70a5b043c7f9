-- What imports found stored already, so that an order stays while any import that states it stands; and what came of taking
-- an import back, counted with each of its steps.
--
-- Only added: code of the release before neither reads nor writes it.

-- Orders that an import states as they are stored: one row for a batch of them. Kept for as long as the import that brought
-- them may be taken back.
create table platform.order_confirmed (
    tenant_id    uuid not null,
    -- Grows, so that what is older is found first.
    id           bigint generated always as identity,
    import_id    uuid not null references platform.import_run (id) on delete cascade,
    order_ids    text[] not null,
    -- What it states of each of them, as `content` of `platform.order`.
    contents     uuid[] not null,
    confirmed_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
-- Most of it is hashes, which do not become smaller.
alter table platform.order_confirmed alter column contents set storage external;
create index order_confirmed_by_import on platform.order_confirmed (tenant_id, import_id);
alter table platform.order_confirmed enable row level security;
create policy own_tenant on platform.order_confirmed to desk_platform
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on platform.order_confirmed to desk_platform;

-- Which order of an import was replaced is asked for by the order as well.
create index order_prior_by_origin_and_order on platform.order_prior (tenant_id, of_import, order_id)
    where of_import is not null;
drop index platform.order_prior_by_origin;

alter table platform.import_run
    -- What came of the orders when the import was taken back.
    add column orders_restored  bigint not null default 0,
    add column orders_removed   bigint not null default 0,
    add column orders_confirmed bigint not null default 0,
    add column orders_newer     bigint not null default 0,
    -- The job that took it back.
    add column undone_by        uuid;
