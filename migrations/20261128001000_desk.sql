-- The ground of the desk: what a ticket, a message and an agent are beside what a help desk tells of them; the history
-- of a ticket; and the events that those who look at the desk are told.
--
-- History and events are written by triggers, so that they are the same whoever changes a ticket: a route, a job, or
-- the function that takes a help desk's delivery in.

create table support_app.agent (
    id               uuid primary key,
    tenant_id        uuid not null references shared.tenant (id),
    name             text not null,
    email            text not null,
    -- 0 agent, 1 senior, 2 leads: follows from the role, which the owner of logins keeps.
    seniority        smallint not null default 0,
    departments      text[] not null default '{}',
    skills           text[] not null default '{}',
    -- ISO 639-1 codes; none means any.
    languages        text[] not null default '{}',
    -- Units of open work that automatic assignment may fill.
    capacity         integer not null default 10,
    accepts_new      boolean not null default true,
    -- What the person says of themselves; nothing else writes it.
    availability     text not null default 'online',
    -- Whether any connection of theirs is open, or was a moment ago.
    is_present       boolean not null default false,
    present_until    timestamptz,
    -- Units of open work they have.
    load             integer not null default 0,
    last_assigned_at timestamptz,
    version          bigint not null default 1,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    disabled_at      timestamptz,
    constraint agent_email_once unique (tenant_id, email),
    constraint agent_name_length check (char_length(name) between 1 and 200),
    constraint agent_email_length check (char_length(email) between 3 and 320),
    constraint agent_capacity_range check (capacity between 1 and 50),
    constraint agent_availability_known check (availability in ('online', 'busy', 'away', 'offline'))
);
create index agent_by_name on support_app.agent (tenant_id, name, id);

-- What a ticket of this channel weighs in an agent's load.
create function support_app.units_of(channel text) returns integer
    language sql immutable parallel safe
    return case lower(channel) when 'phone' then 5 when 'voice' then 5 when 'chat' then 3 when 'whatsapp' then 2
                               when 'sms' then 2 else 1 end;

alter table support_app.ticket
    -- Grows with each change that a reader sees; the entity tag of the ticket.
    add column version                   bigint not null default 1,
    add column language                  text,
    add column department                text,
    add column skills                    text[] not null default '{}',
    add column custom                    jsonb not null default '{}',
    add column opened_by_agent           boolean not null default false,
    -- Whose it is, and what became of that: assigned, accepted, in_progress.
    add column assignee_id               uuid,
    add column assignment_state          text,
    add column assigned_at               timestamptz,
    add column status_since              timestamptz not null default now(),
    add column snoozed_until             timestamptz,
    add column resolved_at               timestamptz,
    add column closed_at                 timestamptz,
    add column archived_at               timestamptz,
    add column reopened_count            integer not null default 0,
    -- Flags beside the status.
    add column is_spam                   boolean not null default false,
    add column suspended_reason          text,
    -- Where it went, and where it came from.
    add column merged_into               uuid,
    add column follow_up_of              uuid,
    add column split_from                uuid,
    -- What follows from its messages, kept by `settle`.
    add column first_customer_message_at timestamptz,
    add column last_customer_message_at  timestamptz,
    add column first_reply_at            timestamptz,
    -- The oldest customer's message that nobody has answered.
    add column waiting_since             timestamptz,
    -- What was read out of its messages.
    add column sentiment                 real,
    add column intent                    text,
    add column topics                    text[] not null default '{}',
    add column asks_compensation         boolean,
    -- The clock that runs out first, and how it stands: within_sla, at_risk, breached.
    add column sla_due_at                timestamptz,
    add column sla_state                 text,
    -- The key of the smart order: a greater one comes first, and it does not change while time goes by.
    add column rank                      double precision not null default 0,
    add column rank_terms                jsonb not null default '{}',
    add constraint ticket_assignment_known check
        (assignment_state is null or assignment_state in ('assigned', 'accepted', 'in_progress')),
    add constraint ticket_sla_known check
        (sla_state is null or sla_state in ('within_sla', 'at_risk', 'breached'));

alter table support_app.message
    -- The agent of ours who wrote it.
    add column author_id   uuid,
    -- What a machine sent: it is kept, but starts no clock and reopens nothing.
    add column by_machine  boolean not null default false,
    -- Of a reply that goes out: scheduled, queued, sent, failed, withdrawn. Null for what came in and for notes.
    add column delivery    text,
    add column send_at     timestamptz,
    add column sent_by_job uuid,
    add column error       text,
    add constraint message_delivery_known check
        (delivery is null or delivery in ('scheduled', 'queued', 'sent', 'failed', 'withdrawn'));

-- What happened to a ticket, one row a field. Nobody changes it afterwards.
create table support_app.ticket_change (
    id        uuid primary key default gen_random_uuid(),
    tenant_id uuid not null,
    ticket_id uuid not null references support_app.ticket (id) on delete cascade,
    -- By the clock of whoever changed it: the help desk's for what it tells.
    at        timestamptz not null,
    -- agent:ID, key:ID, job:KIND, gorgias.
    actor     text not null,
    reason    text,
    field     text not null,
    old       jsonb,
    new       jsonb
);
create index ticket_change_by_ticket on support_app.ticket_change (ticket_id, at, id);

-- Events that were committed and have no number yet. They get it in the order in which they are taken from here, so a
-- reader who has seen a number has seen all before it.
create table support_app.event_pending (
    id         bigint generated always as identity primary key,
    tenant_id  uuid not null,
    kind       text not null,
    ticket_id  uuid,
    agent_id   uuid,
    -- Ids, names of fields, words of a fixed list. No text of people.
    payload    jsonb not null,
    at         timestamptz not null default clock_timestamp()
);

create table support_app.event_head (
    tenant_id uuid primary key,
    seq       bigint not null
);

create table support_app.event (
    tenant_id uuid not null,
    seq       bigint not null,
    kind      text not null,
    ticket_id uuid,
    agent_id  uuid,
    payload   jsonb not null,
    at        timestamptz not null,
    primary key (tenant_id, seq)
);
create index event_by_age on support_app.event (at);

-- Tells those who look at the desk, once the transaction commits.
create function support_app.emit(tenant uuid, kind text, ticket uuid, agent uuid, payload jsonb) returns void
    language sql volatile
as $emit$
    insert into support_app.event_pending (tenant_id, kind, ticket_id, agent_id, payload)
    values (tenant, kind, ticket, agent, payload)
$emit$;

create function support_app.ticket_actor() returns text
    language sql stable
    return coalesce(nullif(current_setting('desk.actor', true), ''), 'system');

-- A change that readers see makes a new version, and keeps what follows from a status.
create function support_app.ticket_will_change() returns trigger
    language plpgsql
as $will$
begin
    new.version := old.version + 1;
    new.updated_at := now();
    if new.status is distinct from old.status then
        new.status_since := case when new.external_updated_at is distinct from old.external_updated_at
                                 then new.external_updated_at else now() end;
        new.resolved_at := case when new.status in ('resolved', 'closed')
                                then coalesce(old.resolved_at, new.status_since) end;
        new.closed_at := case when new.status = 'closed' then new.status_since end;
        if old.status in ('resolved', 'closed') and new.status not in ('resolved', 'closed') then
            new.reopened_count := old.reopened_count + 1;
        end if;
    end if;
    return new;
end
$will$;

create function support_app.ticket_changed() returns trigger
    language plpgsql
as $changed$
declare
    before jsonb := to_jsonb(old);
    after jsonb := to_jsonb(new);
    field text;
    changed text[] := '{}';
begin
    foreach field in array array['status', 'priority', 'assignee_id', 'assignment_state', 'department', 'skills', 'tags',
                                 'subject', 'channel', 'customer_id', 'custom', 'language', 'snoozed_until', 'is_spam',
                                 'suspended_reason', 'merged_into', 'archived_at'] loop
        if before -> field is distinct from after -> field then
            changed := changed || field;
            insert into support_app.ticket_change (tenant_id, ticket_id, at, actor, reason, field, old, new)
            values (new.tenant_id, new.id,
                case when field = 'status' then new.status_since
                     when new.external_updated_at is distinct from old.external_updated_at then new.external_updated_at
                     else now() end,
                support_app.ticket_actor(), nullif(current_setting('desk.reason', true), ''), field,
                nullif(before -> field, 'null'), nullif(after -> field, 'null'));
        end if;
    end loop;
    if old.message_count is distinct from new.message_count then
        changed := changed || 'messages'::text;
    end if;
    perform support_app.emit(new.tenant_id, 'ticket_update', new.id, new.assignee_id, jsonb_build_object(
        'version', new.version, 'changed', changed, 'status', new.status, 'priority', new.priority,
        'assignee_id', new.assignee_id, 'message_count', new.message_count));
    return null;
end
$changed$;

create function support_app.ticket_came() returns trigger
    language plpgsql
as $came$
begin
    perform support_app.emit(new.tenant_id, 'new_ticket', new.id, new.assignee_id, jsonb_build_object(
        'version', new.version, 'number', new.number, 'status', new.status, 'priority', new.priority,
        'channel', new.channel));
    return null;
end
$came$;

create trigger ticket_version before update on support_app.ticket
    for each row when (
        (old.status, old.priority, old.assignee_id, old.assignment_state, old.department, old.skills, old.tags,
         old.subject, old.channel, old.customer_id, old.custom, old.language, old.snoozed_until, old.is_spam,
         old.suspended_reason, old.merged_into, old.archived_at, old.message_count)
        is distinct from
        (new.status, new.priority, new.assignee_id, new.assignment_state, new.department, new.skills, new.tags,
         new.subject, new.channel, new.customer_id, new.custom, new.language, new.snoozed_until, new.is_spam,
         new.suspended_reason, new.merged_into, new.archived_at, new.message_count))
    execute function support_app.ticket_will_change();
create trigger ticket_history after update on support_app.ticket
    for each row when (old.version <> new.version) execute function support_app.ticket_changed();
create trigger ticket_news after insert on support_app.ticket
    for each row execute function support_app.ticket_came();

-- Asks for what follows from a delivery that was taken in: one job for each version of its ticket. Answers its id when
-- it is a new one. `job` is as for jobs.enqueue_one; its ticket and dedup key are known only here.
create function support_app.settle_later(ticket uuid, is_new boolean, job jsonb) returns uuid
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
    where t.id = settle_later.ticket and e.is_new;
    return made;
end
$later$;

do $policies$
declare
    name text;
begin
    foreach name in array array['agent', 'ticket_change', 'event_pending', 'event', 'event_head'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;

grant select, insert, update, delete on support_app.agent to desk_support;
grant select, insert on support_app.ticket_change, support_app.event_pending to desk_support;
grant select on support_app.event, support_app.event_head to desk_support;
