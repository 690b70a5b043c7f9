-- A shop's account at Shopify: who connected which shop, what of it was read, and what its webhooks told.
--
-- Credentials lie in `shared.integration`, sealed, like those of other systems. They change every hour, by workers, which
-- have no right to write there; so a function renews what is there and can neither make nor read a connection.

-- Which tenant a shop's deliveries belong to. It outlives the connection, because Shopify asks for a shop's data to be
-- erased two days after it left.
create table shared.shop_account (
    provider        text not null,
    -- The shop's own domain at the provider, such as corner-records.myshopify.com.
    account         text not null,
    tenant_id       uuid not null references shared.tenant (id),
    connected_at    timestamptz not null,
    disconnected_at timestamptz,
    primary key (provider, account),
    constraint shop_account_length check (char_length(account) between 1 and 255)
);
create index shop_account_by_tenant on shared.shop_account (tenant_id, provider);
-- A tenant has one shop of each provider at a time.
create unique index shop_account_once on shared.shop_account (tenant_id, provider) where disconnected_at is null;

-- Installs that are under way: each state is good once, in the browser that began it, for the shop that was named.
create table shared.install_flow (
    -- SHA-256 of the `state` that goes through the browser.
    state_hash   bytea primary key,
    tenant_id    uuid not null references shared.tenant (id),
    provider     text not null,
    account      text not null,
    -- SHA-256 of the cookie of the browser that began.
    browser_hash bytea not null,
    begun_by     text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    used_at      timestamptz
);
create index install_flow_by_expiry on shared.install_flow (expires_at);

do $policies$
declare
    name text;
begin
    foreach name in array array['shop_account', 'install_flow'] loop
        execute format('alter table shared.%I enable row level security', name);
        execute format('create policy gateway on shared.%I to desk_gateway using (true) with check (true)', name);
        execute format(
            'create policy not_by_worker on shared.%I as restrictive to desk_gateway '
            'using (session_user <> ''desk_worker'') with check (session_user <> ''desk_worker'')', name);
    end loop;
end
$policies$;
grant select, insert on shared.shop_account, shared.install_flow to desk_gateway;
grant update (tenant_id, connected_at, disconnected_at) on shared.shop_account to desk_gateway;
grant update (used_at) on shared.install_flow to desk_gateway;

-- Renews the credentials of the transaction's tenant, if they are still those that were read; answers whether they were.
create function shared.renew_integration(of_provider text, seen timestamptz, new_config jsonb, sealed bytea) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $renew$
begin
    update shared.integration set config = new_config, sealed_secrets = sealed, updated_at = clock_timestamp()
    where tenant_id = shared.current_tenant() and provider = of_provider and of_provider = 'shopify' and updated_at = seen
      and config ->> 'shop' = new_config ->> 'shop';
    return found;
end
$renew$;
revoke all on function shared.renew_integration(text, timestamptz, jsonb, bytea) from public;
grant execute on function shared.renew_integration(text, timestamptz, jsonb, bytea) to desk_platform;

-- Removes a connection and its credentials for good, for the gateway, which has no right to delete anything.
create function shared.remove_integration(of_tenant uuid, of_provider text) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $remove$
begin
    if session_user = 'desk_worker' then
        return false;
    end if;
    update shared.shop_account set disconnected_at = clock_timestamp()
    where tenant_id = of_tenant and provider = of_provider and disconnected_at is null;
    delete from shared.integration where tenant_id = of_tenant and provider = of_provider;
    return found;
end
$remove$;
revoke all on function shared.remove_integration(uuid, text) from public;
grant execute on function shared.remove_integration(uuid, text) to desk_gateway;

create function shared.sweep_installs(before timestamptz) returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $sweep$
    delete from shared.install_flow where state_hash in
        (select state_hash from shared.install_flow where expires_at < before order by expires_at limit 100
         for update skip locked);
$sweep$;
revoke all on function shared.sweep_installs(timestamptz) from public;
grant execute on function shared.sweep_installs(timestamptz) to desk_gateway;

-- How a tenant's shop stands.
create table platform.shop_health (
    tenant_id     uuid not null references shared.tenant (id),
    source        text not null,
    account       text not null,
    -- connected; revoked: the shop does not take the credentials any more, jobs wait; disconnected
    status        text not null,
    -- Why it is not connected, for people.
    reason        text,
    status_at     timestamptz not null,
    -- When a sync last came to its end.
    synced_at     timestamptz,
    -- The last webhook, and how long after it happened it was stored, in milliseconds.
    told_at       timestamptz,
    told_lag_ms   bigint,
    primary key (tenant_id, source),
    constraint shop_health_status_known check (status in ('connected', 'revoked', 'disconnected'))
);

-- One reading of a shop, in parts that go on by themselves: the place and the rows before it commit together.
create table platform.shop_sync (
    tenant_id   uuid not null references shared.tenant (id),
    source      text not null,
    run_id      uuid not null,
    part        smallint not null,
    -- products, customers, orders
    resource    text not null,
    -- Whether pages are asked for, or the shop writes one file of everything.
    is_bulk     boolean not null,
    -- Objects that were changed in [from, until) are read; `since` moves on when the cursor's range is used up.
    since       timestamptz not null,
    until       timestamptz not null,
    cursor      text,
    -- Objects read behind `since`, and when the last of them was changed.
    in_window   bigint not null default 0,
    last_at     timestamptz,
    -- The bulk operation, where its file is read on, and its size.
    bulk_id     text,
    bulk_byte   bigint not null default 0,
    bulk_bytes  bigint,
    state       text not null default 'waiting',
    read        bigint not null default 0,
    inserted    bigint not null default 0,
    replaced    bigint not null default 0,
    unchanged   bigint not null default 0,
    older       bigint not null default 0,
    refused     bigint not null default 0,
    started_at  timestamptz not null,
    updated_at  timestamptz not null,
    finished_at timestamptz,
    primary key (tenant_id, source, run_id, part),
    constraint shop_sync_resource_known check (resource in ('products', 'customers', 'orders')),
    constraint shop_sync_state_known check (state in ('waiting', 'running', 'done', 'dropped'))
);
create index shop_sync_by_time on platform.shop_sync (tenant_id, source, started_at desc);

-- Until when everything was read.
create table platform.shop_synced (
    tenant_id uuid not null references shared.tenant (id),
    source    text not null,
    resource  text not null,
    until     timestamptz not null,
    primary key (tenant_id, source, resource)
);

-- What a shop's webhooks told. The body is gone when it was applied.
create table platform.shop_event (
    tenant_id    uuid not null references shared.tenant (id),
    source       text not null,
    topic        text not null,
    event_id     text not null,
    triggered_at timestamptz not null,
    received_at  timestamptz not null,
    body         jsonb,
    state        text not null default 'waiting',
    reason       text,
    applied_at   timestamptz,
    primary key (tenant_id, source, topic, event_id),
    constraint shop_event_state_known check (state in ('waiting', 'applied', 'unchanged', 'ignored', 'refused')),
    constraint shop_event_id_length check (char_length(event_id) between 1 and 200)
);
create index shop_event_waiting on platform.shop_event (tenant_id, source, triggered_at, event_id) where state = 'waiting';
create index shop_event_by_age on platform.shop_event (tenant_id, received_at);

-- Products as orders' lines need them: the category of a line is that of its product.
create table platform.shop_product (
    tenant_id  uuid not null references shared.tenant (id),
    source     text not null,
    product_id text not null,
    title      text,
    category   text,
    -- When the shop changed it last; what is older changes nothing.
    stated_at  timestamptz not null,
    deleted_at timestamptz,
    primary key (tenant_id, source, product_id)
);

-- What the shop's own ids name here, and when the shop changed them last.
create table platform.shop_ref (
    tenant_id   uuid not null references shared.tenant (id),
    source      text not null,
    -- order: the order's number; customer: the customer's id
    kind        text not null,
    external_id text not null,
    internal_id text not null,
    stated_at   timestamptz not null,
    primary key (tenant_id, source, kind, external_id),
    constraint shop_ref_kind_known check (kind in ('order', 'customer'))
);

-- What could not be stored, and why; the last word of each.
create table platform.shop_refusal (
    tenant_id   uuid not null references shared.tenant (id),
    source      text not null,
    resource    text not null,
    external_id text not null,
    reason      text not null,
    message     text not null,
    at          timestamptz not null,
    primary key (tenant_id, source, resource, external_id)
);
create index shop_refusal_by_time on platform.shop_refusal (tenant_id, source, at desc);

-- What a shop asks for by law: a customer's data, their erasure, or the erasure of everything.
create table platform.shop_privacy_request (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    source      text not null,
    topic       text not null,
    event_id    text not null,
    -- The shop's id of the customer, and their address; none for the whole shop.
    customer_id text,
    email       text,
    orders      text[] not null default '{}',
    state       text not null default 'received',
    received_at timestamptz not null,
    -- 30 days are allowed.
    due_at      timestamptz not null,
    done_at     timestamptz,
    constraint shop_privacy_request_once unique (tenant_id, source, topic, event_id),
    constraint shop_privacy_request_topic_known check (topic in ('customers/data_request', 'customers/redact', 'shop/redact')),
    constraint shop_privacy_request_state_known check (state in ('received', 'passed_on', 'done'))
);
create index shop_privacy_request_open on platform.shop_privacy_request (tenant_id, due_at) where state <> 'done';

do $policies$
declare
    name text;
begin
    foreach name in array array['shop_health', 'shop_sync', 'shop_synced', 'shop_event', 'shop_product', 'shop_ref',
                                'shop_refusal', 'shop_privacy_request'] loop
        execute format('alter table platform.%I enable row level security', name);
        execute format(
            'create policy own_tenant on platform.%I to desk_platform '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on platform.%I to desk_platform', name);
    end loop;
end
$policies$;
