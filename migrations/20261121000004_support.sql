-- Schema `support_app`: webhook inbox, tickets, their messages, and drafts.
-- Written by desk_support; desk_platform and desk_gateway have the little they need.

create schema support_app;

create table support_app.inbox (
    id             uuid primary key,
    tenant_id      uuid not null references shared.tenant (id),
    provider       text not null,
    dedup_key      text not null,
    event_type     text,
    received_at    timestamptz not null default now(),
    body           jsonb not null,
    decision       text not null,
    skip_reason    text,
    ticket_id      uuid,
    job_id         uuid,
    correlation_id text,
    replay_of      uuid references support_app.inbox (id) on delete set null,
    constraint inbox_decision_known check (decision in ('queued', 'skipped')),
    constraint inbox_skip_has_reason check ((decision = 'skipped') = (skip_reason is not null))
);
-- A delivery counts once; replays, which an operator asks for, count beside it.
create unique index inbox_delivery_once on support_app.inbox (tenant_id, provider, dedup_key)
    where replay_of is null;
create index inbox_by_time on support_app.inbox (tenant_id, received_at desc, id desc);

-- The next ticket number of the current tenant. One sequence a tenant, made when first needed: numbers have
-- gaps, but two transactions never wait for each other, as they would on a counter row. Runs as the owner,
-- because creating a sequence is nobody else's right; the tenant is the transaction's, not an argument.
create function support_app.next_ticket_number() returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $number$
declare
    tenant uuid := shared.current_tenant();
    sequence text;
begin
    if tenant is null then
        raise exception 'no tenant is set' using errcode = 'object_not_in_prerequisite_state';
    end if;
    sequence := format('support_app.%I', 'ticket_number_' || replace(tenant::text, '-', ''));
    if to_regclass(sequence) is null then
        begin
            execute format('create sequence %s', sequence);
        -- Another transaction made it meanwhile; ours has waited for its commit.
        exception when duplicate_table or unique_violation then
            null;
        end;
    end if;
    return nextval(sequence::regclass);
end
$number$;
revoke all on function support_app.next_ticket_number() from public;

create table support_app.ticket (
    id                   uuid primary key,
    tenant_id            uuid not null references shared.tenant (id),
    -- Per tenant; gaps are possible.
    number               bigint not null,
    provider             text not null,
    external_id          text not null,
    subject              text,
    channel              text not null,
    source               text not null,
    status               text not null,
    priority             text not null,
    -- The shop's id of the customer, when the help desk told it.
    customer_id          text,
    -- The help desk's id of the customer.
    customer_external_id text,
    customer_email       text,
    customer_name        text,
    tags                 text[] not null default '{}',
    -- Messages between customer and agents; internal notes do not count, so that our own note makes no draft stale.
    message_count        integer not null default 0,
    last_message_at      timestamptz,
    agent_spoke_last     boolean not null default false,
    -- When the help desk last changed the ticket, by its own clock: older news never overwrite newer.
    external_updated_at  timestamptz,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    constraint ticket_external_once unique (tenant_id, provider, external_id),
    constraint ticket_number_once unique (tenant_id, number)
);
create index ticket_by_update on support_app.ticket (tenant_id, updated_at desc, id desc);

create table support_app.message (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    ticket_id   uuid not null references support_app.ticket (id) on delete cascade,
    external_id text not null,
    from_agent  boolean not null,
    internal    boolean not null,
    channel     text not null,
    sender_name text,
    body_text   text not null,
    sent_at     timestamptz not null,
    created_at  timestamptz not null default now(),
    constraint message_external_once unique (tenant_id, ticket_id, external_id)
);
create index message_by_time on support_app.message (ticket_id, sent_at desc, id desc);

create table support_app.draft (
    id               uuid primary key,
    tenant_id        uuid not null references shared.tenant (id),
    ticket_id        uuid not null references support_app.ticket (id) on delete cascade,
    -- The ticket's message_count when the draft was made; the draft is stale when the ticket has more.
    message_count    integer not null,
    job_id           uuid not null,
    tone             text not null,
    length           text not null,
    style            text not null,
    reply            text not null,
    recommendation   jsonb,
    drafter          text not null,
    model            text,
    usage            jsonb,
    created_at       timestamptz not null default now(),
    chosen_at        timestamptz,
    edited_at        timestamptz,
    note_external_id text,
    posted_at        timestamptz,
    constraint draft_once_a_job unique (tenant_id, job_id)
);
create index draft_by_ticket on support_app.draft (ticket_id, created_at desc, id desc);

do $policies$
declare
    name text;
begin
    foreach name in array array['inbox', 'ticket', 'message', 'draft'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support, desk_platform '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;

grant usage on schema support_app to desk_support, desk_platform;
grant select, insert, update, delete on all tables in schema support_app to desk_support;
grant execute on function support_app.next_ticket_number() to desk_support;
grant select on all tables in schema support_app to desk_platform;
