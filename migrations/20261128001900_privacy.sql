-- What persons may ask of a shop: to get what is known of them, and to be forgotten. Requests with their proof, what an
-- erased ticket refuses to take in again, how long each kind of data is kept, and a key for each tenant under which words
-- lie that nothing searches.

-- A tenant's keys, each sealed under the master key. A row stays when its key is destroyed: what was sealed under it says so.
create table shared.tenant_key (
    tenant_id    uuid not null references shared.tenant (id),
    generation   integer not null,
    sealed_key   bytea,
    made_at      timestamptz not null default now(),
    destroyed_at timestamptz,
    destroyed_by text,
    primary key (tenant_id, generation),
    constraint tenant_key_gone_or_there check ((sealed_key is null) = (destroyed_at is not null))
);
alter table shared.tenant_key enable row level security;
create policy gateway on shared.tenant_key to desk_gateway using (true) with check (true);
create policy not_by_worker on shared.tenant_key as restrictive to desk_gateway
    using (session_user <> 'desk_worker') with check (session_user <> 'desk_worker');
create policy own_tenant on shared.tenant_key for select to desk_support, desk_platform, desk_marketing
    using (tenant_id = shared.current_tenant());
grant select on shared.tenant_key to desk_support, desk_platform, desk_marketing, desk_gateway;
grant update (sealed_key, destroyed_at, destroyed_by) on shared.tenant_key to desk_gateway;

-- The tenant's key of the moment; the candidate becomes it when there is none. Runs as the owner, because whoever seals first
-- makes it; the tenant is the transaction's.
create function shared.tenant_key_now(candidate bytea, out generation integer, out sealed_key bytea)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $now$
declare
    tenant uuid := shared.current_tenant();
begin
    if tenant is null then
        raise exception 'no tenant is set' using errcode = 'object_not_in_prerequisite_state';
    end if;
    for attempt in 1..3 loop
        select k.generation, k.sealed_key into tenant_key_now.generation, tenant_key_now.sealed_key
        from shared.tenant_key k where k.tenant_id = tenant order by k.generation desc limit 1;
        if tenant_key_now.sealed_key is not null then
            return;
        end if;
        -- Of two that make it at once, one does.
        insert into shared.tenant_key (tenant_id, generation, sealed_key)
        values (tenant, coalesce(tenant_key_now.generation, 0) + 1, candidate) on conflict do nothing;
    end loop;
    raise exception 'the key was destroyed meanwhile' using errcode = 'serialization_failure';
end
$now$;
revoke all on function shared.tenant_key_now(bytea) from public;
grant execute on function shared.tenant_key_now(bytea) to desk_support;

-- Puts a token where the tenant's trail names a person by the shop's id, and leaves of a line that has one of their words in it
-- nothing but the line. Who looked at what names ids alone, and is found by its subject.
create function shared.forget_in_trail(customers text[], patterns text[], token text) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $forget$
declare
    tenant uuid := shared.current_tenant();
    customer text;
    touched bigint;
    lines bigint := 0;
begin
    if tenant is null then
        raise exception 'no tenant is set' using errcode = 'object_not_in_prerequisite_state';
    end if;
    foreach customer in array customers loop
        update shared.audit a set subject = 'customer:' || token
        where a.tenant_id = tenant and a.subject = 'customer:' || customer;
        get diagnostics touched = row_count;
        lines := lines + touched;
        update shared.audit a set detail = replace(a.detail::text, to_jsonb(customer)::text, to_jsonb(token)::text)::jsonb
        where a.tenant_id = tenant and (a.action < 'customer-data.view' or a.action > 'customer-data.view')
          and strpos(a.detail::text, to_jsonb(customer)::text) > 0;
        get diagnostics touched = row_count;
        lines := lines + touched;
    end loop;
    update shared.audit a set
        subject = case when lower(a.subject) like any (patterns) then token else a.subject end,
        detail = case when lower(a.detail::text) like any (patterns) then jsonb_build_object('erased', token) else a.detail end
    where a.tenant_id = tenant and (a.action < 'customer-data.view' or a.action > 'customer-data.view')
      and (lower(a.subject) like any (patterns) or lower(a.detail::text) like any (patterns));
    get diagnostics touched = row_count;
    return lines + touched;
end
$forget$;
revoke all on function shared.forget_in_trail(text[], text[], text) from public;
grant execute on function shared.forget_in_trail(text[], text[], text) to desk_support;

-- A person's request.
create table support_app.privacy_request (
    id              uuid primary key,
    tenant_id       uuid not null references shared.tenant (id),
    kind            text not null,
    state           text not null default 'open',
    -- Who asks and how that was proved: sealed under the tenant's key, and gone with an erasure.
    asked           bytea,
    -- Everything that the person is known by, as it was found: sealed, and gone when nothing needs it any more.
    person          bytea,
    -- Whether the help desk is to forget them too, and how that stands.
    in_help_desk    boolean not null default false,
    help_desk_state text,
    requested_by    text not null,
    requested_at    timestamptz not null,
    due_at          timestamptz not null,
    job_id          uuid,
    started_at      timestamptz,
    finished_at     timestamptz,
    -- Rows by table.
    reached         jsonb not null default '{}',
    remarks         text[] not null default '{}',
    certificate     jsonb,
    error           text,
    archive_bytes   bigint,
    archive_until   timestamptz,
    constraint privacy_request_kind_known check (kind in ('export', 'erase')),
    constraint privacy_request_state_known check (state in ('open', 'running', 'done', 'failed')),
    constraint privacy_request_help_desk_known check (help_desk_state in ('queued', 'done', 'failed'))
);
create index privacy_request_by_time on support_app.privacy_request (tenant_id, requested_at desc, id desc);
create index privacy_request_archives on support_app.privacy_request (tenant_id, archive_until)
    where archive_until is not null;

-- How long a tenant keeps a kind of data; a kind without a row has the default that the program knows.
create table support_app.retention (
    tenant_id  uuid not null references shared.tenant (id),
    kind       text not null,
    -- Null: for ever.
    keep_days  integer,
    changed_by text not null,
    changed_at timestamptz not null default now(),
    primary key (tenant_id, kind),
    constraint retention_days_range check (keep_days between 1 and 3650)
);

do $policies$
declare
    name text;
begin
    foreach name in array array['privacy_request', 'retention'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on support_app.%I to desk_support', name);
    end loop;
end
$policies$;

alter table support_app.ticket
    -- When its words were erased, by a request or because its time was over.
    add column erased_at   timestamptz;
alter table support_app.message
    add column redacted_at timestamptz,
    add column redacted_by text;
alter table support_app.attachment
    add column redacted_at timestamptz,
    add column redacted_by text;
alter table support_app.inbox
    -- When its body was sealed under the tenant's key; null: it lies open.
    add column sealed_at   timestamptz;
create index inbox_to_seal on support_app.inbox (tenant_id, received_at) where sealed_at is null;
-- History has words in it too, and nothing else of it ever changes.
grant update (reason, old, new) on support_app.ticket_change to desk_support;

-- What was erased stays so, whoever tells it again: a help desk's reconciliation would bring it back otherwise. What the
-- customer writes after that is new.
create function support_app.ticket_stays_erased() returns trigger
    language plpgsql
as $stays$
begin
    new.erased_at := old.erased_at;
    new.subject := null;
    new.customer_id := null;
    new.customer_external_id := null;
    new.customer_email := null;
    new.customer_name := null;
    new.known_customer := null;
    new.looked_up_for := null;
    new.customer_facts := null;
    new.custom := '{}';
    new.tags := array(select tag from unnest(new.tags) tag where tag = any (old.tags));
    return new;
end
$stays$;
create trigger ticket_erased before update on support_app.ticket
    for each row when (old.erased_at is not null) execute function support_app.ticket_stays_erased();

create function support_app.message_stays_erased() returns trigger
    language plpgsql
as $stays$
begin
    if exists (select from support_app.ticket t
               where t.id in (new.ticket_id, new.origin_ticket_id) and t.erased_at >= new.sent_at) then
        return null;
    end if;
    return new;
end
$stays$;
create trigger message_erased before insert on support_app.message
    for each row execute function support_app.message_stays_erased();

-- A message that was redacted is told again, with its words, by whoever has it.
create function support_app.message_stays_redacted() returns trigger
    language plpgsql
as $stays$
begin
    new.body_text := old.body_text;
    return new;
end
$stays$;
create trigger message_redacted before update of body_text on support_app.message
    for each row when (old.redacted_at is not null) execute function support_app.message_stays_redacted();

-- Nor does what was erased or redacted come back with the raw deliveries of its ticket.
create index message_redacted on support_app.message (ticket_id) where redacted_at is not null;
create function support_app.delivery_stays_erased() returns trigger
    language plpgsql
as $stays$
begin
    if exists (select from support_app.ticket t where t.id = new.ticket_id and t.erased_at is not null)
        or exists (select from support_app.message m where m.ticket_id = new.ticket_id and m.redacted_at is not null) then
        new.body := '{"erased": true}';
        new.remarks := null;
    end if;
    return new;
end
$stays$;
create trigger delivery_erased before insert on support_app.inbox
    for each row execute function support_app.delivery_stays_erased();

-- What retention and the closing of resolved tickets look for.
create index ticket_to_close on support_app.ticket (tenant_id, resolved_at) where status = 'resolved';
create index ticket_to_forget on support_app.ticket (tenant_id, closed_at) where closed_at is not null and erased_at is null;
