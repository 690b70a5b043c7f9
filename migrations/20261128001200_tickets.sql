-- Tickets that are made and answered here: what agents write before they send it, fields of the tenant's own, merges,
-- and the indexes that the lists of tickets read.

-- How a tenant's tickets behave; without a row the defaults hold.
create table support_app.ticket_setting (
    tenant_id        uuid primary key references shared.tenant (id),
    -- A ticket that was resolved or closed for so long is final: what comes then opens a linked follow-up.
    final_after_days integer not null default 7,
    -- How long a reply waits before it goes out, so that it can be taken back.
    undo_secs        integer not null default 10,
    -- Text search configurations of Postgres for the languages that are written in, besides `simple`.
    search_languages text[] not null default '{english}',
    version          bigint not null default 1,
    updated_at       timestamptz not null default now(),
    constraint ticket_setting_final_range check (final_after_days between 0 and 365),
    constraint ticket_setting_undo_range check (undo_secs between 0 and 600),
    constraint ticket_setting_languages_few check (cardinality(search_languages) <= 4)
);

-- Fields of tickets that a tenant adds. Values are in ticket.custom by key.
create table support_app.custom_field (
    tenant_id   uuid not null references shared.tenant (id),
    key         text not null,
    label       text not null,
    kind        text not null,
    choices     text[] not null default '{}',
    created_at  timestamptz not null default now(),
    -- It takes no new values; those that are there stay.
    archived_at timestamptz,
    primary key (tenant_id, key),
    constraint custom_field_key_form check (key ~ '^[a-z][a-z0-9_]{0,63}$'),
    constraint custom_field_label_length check (char_length(label) between 1 and 200),
    constraint custom_field_kind_known check (kind in ('text', 'number', 'boolean', 'date', 'choice')),
    constraint custom_field_choices_fit check ((kind = 'choice') = (cardinality(choices) > 0))
);

-- What somebody is writing to the customer: one text for each ticket and writer. A reply that met news is kept here.
create table support_app.reply_text (
    tenant_id            uuid not null references shared.tenant (id),
    ticket_id            uuid not null references support_app.ticket (id) on delete cascade,
    -- The agent, or the key of a program.
    writer_id            uuid not null,
    body_text            text not null,
    last_seen_message_id uuid,
    version              bigint not null default 1,
    updated_at           timestamptz not null default now(),
    primary key (ticket_id, writer_id)
);

-- Which ticket went into which. The pointer `ticket.merged_into` always names the last one of a chain.
create table support_app.ticket_merge (
    id            uuid primary key,
    tenant_id     uuid not null references shared.tenant (id),
    source_id     uuid not null references support_app.ticket (id) on delete cascade,
    target_id     uuid not null references support_app.ticket (id) on delete cascade,
    -- What the source was, for whoever takes the merge back.
    source_status text not null,
    merged_by     text not null,
    merged_at     timestamptz not null default now(),
    undone_by     text,
    undone_at     timestamptz
);
create unique index ticket_merge_once on support_app.ticket_merge (source_id) where undone_at is null;
create index ticket_merge_by_target on support_app.ticket_merge (target_id);

alter table support_app.message
    -- The ticket that it came to, when a merge or a split brought it to another.
    add column origin_ticket_id uuid,
    -- What was written to the customer may be taken back until a job begins to send it.
    add column sending          boolean not null default false,
    -- When it left the house.
    add column delivered_at     timestamptz;
-- Messages of a ticket are added one after the other under its row's lock; the clock says in which order.
alter table support_app.message alter column created_at set default clock_timestamp();
create index message_by_origin on support_app.message (origin_ticket_id) where origin_ticket_id is not null;

-- Lists. What is worked on is a small part of all tickets, so the orders of work have partial indexes.
create index ticket_smart on support_app.ticket (tenant_id, rank desc, id desc)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null;
create index ticket_smart_by_assignee on support_app.ticket (tenant_id, assignee_id, rank desc, id desc)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null;
create index ticket_smart_by_department on support_app.ticket (tenant_id, department, rank desc, id desc)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null;
create index ticket_waiting on support_app.ticket (tenant_id, waiting_since, id)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null
      and waiting_since is not null;
create index ticket_due on support_app.ticket (tenant_id, sla_due_at, id)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null
      and sla_due_at is not null;
create index ticket_newest on support_app.ticket (tenant_id, created_at desc, id desc);
create index ticket_by_assignee on support_app.ticket (tenant_id, assignee_id, created_at desc, id desc)
    where assignee_id is not null;
create index ticket_by_customer on support_app.ticket (tenant_id, customer_id, created_at desc, id desc)
    where customer_id is not null;
create index ticket_by_customer_email on support_app.ticket (tenant_id, customer_email, created_at desc, id desc)
    where customer_email is not null;
create index ticket_by_pointer on support_app.ticket (merged_into) where merged_into is not null;
create index ticket_by_split on support_app.ticket (split_from) where split_from is not null;
create index ticket_by_former on support_app.ticket (follow_up_of) where follow_up_of is not null;

-- The ticket in which a ticket's conversation goes on.
create function support_app.current_ticket(ticket uuid) returns uuid
    language sql stable
    return (select coalesce(t.merged_into, t.id) from support_app.ticket t where t.id = ticket);

-- How it is after the help desk told of it. It knows open and closed alone, so what is finer here stays while it does
-- not contradict: pending is open, resolved is closed. What was merged stays closed.
create function support_app.told_status(known text, told text, is_merged boolean) returns text
    language sql immutable
    return case when told is null or is_merged then known
                when told = 'open' and known = 'pending' then known
                when told = 'closed' and known = 'resolved' then known
                else told end;

-- As in 20261128000151, with the status as told_status has it.
create or replace function support_app.upsert_ticket(tenant uuid, ticket jsonb) returns uuid
    language plpgsql volatile
as $upsert$
declare
    told record;
    found_id uuid;
begin
    perform set_config('desk.actor', coalesce(ticket ->> 'provider', 'desk'), true);
    select t.* into told from jsonb_to_record(ticket) as t (
        id uuid, provider text, external_id text, subject text, channel text, source text, status text, priority text,
        customer_id text, customer_external_id text, customer_email text, customer_name text, tags text[],
        external_updated_at timestamptz);
    -- What is known gives way only to what is not older; what the news leave out stays as it is.
    update support_app.ticket t set
        subject = coalesce(told.subject, t.subject),
        channel = coalesce(told.channel, t.channel),
        source = coalesce(told.source, t.source),
        status = support_app.told_status(t.status, told.status, t.merged_into is not null),
        priority = coalesce(told.priority, t.priority),
        customer_id = coalesce(told.customer_id, t.customer_id),
        customer_external_id = coalesce(told.customer_external_id, t.customer_external_id),
        customer_email = coalesce(told.customer_email, t.customer_email),
        customer_name = coalesce(told.customer_name, t.customer_name),
        tags = coalesce(told.tags, t.tags),
        external_updated_at = coalesce(told.external_updated_at, t.external_updated_at),
        updated_at = now()
    where t.tenant_id = tenant and t.provider = told.provider and t.external_id = told.external_id
      and (t.external_updated_at is null or told.external_updated_at is null
           or t.external_updated_at <= told.external_updated_at)
    returning t.id into found_id;
    if found_id is not null then
        return found_id;
    end if;
    -- The news are older than what is known. The row is locked all the same, because its counters change next.
    select t.id into found_id from support_app.ticket t
    where t.tenant_id = tenant and t.provider = told.provider and t.external_id = told.external_id
    for update;
    if found_id is not null then
        return found_id;
    end if;
    -- Two first messages at once: the second waits here and takes the first one's row, leaving it as it is.
    insert into support_app.ticket as t
        (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority, customer_id,
         customer_external_id, customer_email, customer_name, tags, external_updated_at)
    values (told.id, tenant, support_app.next_ticket_number(), told.provider, told.external_id, told.subject,
        coalesce(told.channel, 'unknown'), coalesce(told.source, 'unknown'), coalesce(told.status, 'open'),
        coalesce(told.priority, 'normal'), told.customer_id, told.customer_external_id, told.customer_email,
        told.customer_name, coalesce(told.tags, '{}'), told.external_updated_at)
    on conflict (tenant_id, provider, external_id) do update set updated_at = t.updated_at
    returning t.id into found_id;
    return found_id;
end
$upsert$;

-- As in 20261128000151, and: messages of a merged ticket go to where it went; those that are not on their way, or never
-- will be, do not count; a customer's message wakes a ticket that waited for it.
create or replace function support_app.store_messages(tenant uuid, ticket uuid, messages jsonb, told_count integer)
    returns integer
    language plpgsql volatile
as $store$
declare
    target uuid;
    heard timestamptz;
    counted_now integer;
begin
    -- One after the other, so that the order in which messages are added is one that everybody sees.
    select coalesce(t.merged_into, t.id) into target from support_app.ticket t where t.id = ticket;
    perform from support_app.ticket t where t.id in (ticket, target) order by t.id for update;
    with added as (
        insert into support_app.message as m
            (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at,
             origin_ticket_id)
        select n.id, tenant, target, n.external_id, n.from_agent, n.internal, n.channel, n.sender_name, n.body_text,
               n.sent_at, nullif(ticket, target)
        from jsonb_to_recordset(messages) as n (
            id uuid, external_id text, from_agent boolean, internal boolean, channel text, sender_name text,
            body_text text, sent_at timestamptz)
        -- What was split off is told of its former ticket again and again.
        where not exists (
            select from support_app.ticket s join support_app.message x
                on x.tenant_id = tenant and x.ticket_id = s.id and x.external_id = n.external_id
            where s.split_from in (ticket, target)
        )
        -- The same order in every transaction, so that two of them cannot wait for each other in a circle.
        order by n.external_id
        on conflict (tenant_id, ticket_id, external_id) do update set body_text = excluded.body_text
            where m.body_text = '' and excluded.body_text <> ''
        returning m.from_agent, m.internal, m.by_machine, m.sent_at
    )
    select max(a.sent_at) into heard from added a where not a.from_agent and not a.internal and not a.by_machine;
    update support_app.ticket t set
        message_count = greatest(t.message_count, counted.public,
                                 coalesce(case when ticket = target then told_count - counted.notes end, 0)),
        last_message_at = greatest(t.last_message_at, counted.last_at),
        agent_spoke_last = coalesce(counted.agent_last, t.agent_spoke_last),
        -- Messages from before the status are told late and say nothing about it.
        status = case when t.status in ('pending', 'resolved') and heard > t.status_since then 'open' else t.status end,
        snoozed_until = case when heard > t.status_since then null else t.snoozed_until end
    from (
        select count(*) filter (where not m.internal)::int as public,
               count(*) filter (where m.internal)::int as notes,
               max(m.sent_at) filter (where not m.internal) as last_at,
               (array_agg(m.from_agent order by m.sent_at desc) filter (where not m.internal))[1] as agent_last
        from support_app.message m
        where m.tenant_id = tenant and m.ticket_id = target
          and (m.delivery is null or m.delivery in ('queued', 'sent'))
    ) counted
    where t.tenant_id = tenant and t.id = target
    returning t.message_count into counted_now;
    return counted_now;
end
$store$;

-- As in 20261128000151, and a draft is for the ticket in which the conversation goes on.
create or replace function support_app.take_in(
    tenant uuid, delivery jsonb, body jsonb, ticket jsonb, messages jsonb, job jsonb,
    out delivery_id uuid, out decision text, out skip_reason text, out ticket_id uuid, out job_id uuid,
    out is_new boolean
)
    language plpgsql volatile
as $take_in$
declare
    told record;
    likely_ticket uuid;
    likely_job uuid := job ->> 'id';
    message_count integer;
    last_id uuid;
    last_key text;
    last_at timestamptz;
    identity text;
    current_id uuid;
begin
    -- The connection has the role; the tenant is the transaction's, and this call is the transaction.
    perform set_config('desk.tenant_id', tenant::text, true);
    select d.* into told from jsonb_to_record(delivery) as d (
        id uuid, provider text, dedup_key text, event_type text, decision text, skip_reason text,
        correlation_id text, replay_of uuid, repeated_within_secs double precision, remarks jsonb,
        unless_tagged jsonb);
    select t.id into likely_ticket from support_app.ticket t
    where t.tenant_id = tenant and t.provider = told.provider and t.external_id = ticket ->> 'external_id';

    -- What is the same only for a while gets the name of the delivery before it added: the same bytes are the last
    -- delivery once more as long as nothing else was told of the ticket. Two at once see the same last one.
    identity := told.dedup_key;
    if told.repeated_within_secs is not null and told.replay_of is null then
        if likely_ticket is not null then
            select i.id, i.dedup_key, i.received_at into last_id, last_key, last_at from support_app.inbox i
            where i.tenant_id = tenant and i.ticket_id = likely_ticket and i.replay_of is null
            order by i.received_at desc, i.id desc limit 1;
        end if;
        if starts_with(last_key, told.dedup_key || '@')
            and last_at > now() - make_interval(secs => told.repeated_within_secs) then
            identity := last_key;
        else
            identity := told.dedup_key || '@' || coalesce(last_id::text, 'first');
        end if;
    end if;
    likely_ticket := coalesce(likely_ticket, (ticket ->> 'id')::uuid);

    -- Claimed first, which settles races. The row is written as it will most likely stay.
    insert into support_app.inbox as i
        (id, tenant_id, provider, dedup_key, event_type, body, decision, skip_reason, ticket_id, job_id,
         correlation_id, replay_of, remarks)
    values (told.id, tenant, told.provider, identity, told.event_type, body, told.decision, told.skip_reason,
        likely_ticket, likely_job, told.correlation_id, told.replay_of, told.remarks)
    on conflict do nothing
    returning i.id into delivery_id;
    if delivery_id is null then
        select i.id, i.decision, i.skip_reason, i.ticket_id, i.job_id, true
        into delivery_id, decision, skip_reason, ticket_id, job_id, is_new
        from support_app.inbox i where i.id = told.id and i.tenant_id = tenant;
        if not found then
            select i.id, i.decision, i.skip_reason, i.ticket_id, i.job_id, false
            into delivery_id, decision, skip_reason, ticket_id, job_id, is_new
            from support_app.inbox i
            where i.tenant_id = tenant and i.provider = told.provider and i.dedup_key = identity
              and i.replay_of is null;
        end if;
        if not found then
            raise exception 'the first delivery was removed meanwhile' using errcode = 'serialization_failure';
        end if;
        return;
    end if;

    is_new := true;
    decision := told.decision;
    skip_reason := told.skip_reason;
    ticket_id := support_app.upsert_ticket(tenant, ticket);
    message_count := support_app.store_messages(tenant, ticket_id, messages, (ticket ->> 'message_count')::integer);
    current_id := support_app.current_ticket(ticket_id);
    -- Tags that this delivery does not mention are those that are known.
    if job is not null and told.unless_tagged is not null and exists (
        select from support_app.ticket t where t.id = current_id
          and array(select lower(tag) from unnest(t.tags) tag)
              && array(select jsonb_array_elements_text(told.unless_tagged -> 'forbidding'))
          and not array(select lower(tag) from unnest(t.tags) tag)
              && array(select jsonb_array_elements_text(told.unless_tagged -> 'forcing'))
    ) then
        decision := 'skipped';
        skip_reason := told.unless_tagged ->> 'skip_reason';
    elsif job is not null then
        select e.job_id into job_id from jobs.enqueue_one(job || jsonb_build_object(
            'dedup_key', current_id || ':' || message_count,
            'payload', (job -> 'payload') || jsonb_build_object('ticket_id', current_id))) e;
    end if;
    if ticket_id <> likely_ticket or job_id is distinct from likely_job then
        update support_app.inbox i set decision = take_in.decision, skip_reason = take_in.skip_reason,
            ticket_id = take_in.ticket_id, job_id = take_in.job_id
        where i.id = take_in.delivery_id;
    end if;
end
$take_in$;

-- Asks for what follows from a delivery, for the ticket in which the conversation goes on.
create or replace function support_app.settle_later(ticket uuid, is_new boolean, job jsonb) returns uuid
    language plpgsql volatile
as $later$
declare
    made uuid;
begin
    if not is_new then
        return null;
    end if;
    select e.job_id into made
    from support_app.ticket t
    cross join lateral jobs.enqueue_one(job || jsonb_build_object(
        'dedup_key', t.id || ':' || t.version,
        'payload', (job -> 'payload') || jsonb_build_object('ticket_id', t.id))) e
    where t.id = support_app.current_ticket(settle_later.ticket) and e.is_new;
    return made;
end
$later$;

do $policies$
declare
    name text;
begin
    foreach name in array array['ticket_setting', 'custom_field', 'reply_text', 'ticket_merge'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;

grant select, insert, update on support_app.ticket_setting to desk_support;
grant select, insert, update, delete on support_app.custom_field, support_app.reply_text, support_app.ticket_merge
    to desk_support;
