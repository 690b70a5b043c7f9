-- Rules: what they say and said, what caused them to be looked at, what each run found and did, and trials on the past.
--
-- Causes are written by triggers, so that they are the same whoever changes a ticket: a route, a job, or the function that
-- takes a help desk's delivery in. Whoever settles the ticket asks for the job that looks at them.

create table support_app.rule (
    id             uuid primary key,
    tenant_id      uuid not null references shared.tenant (id),
    -- Rules are looked at in this order.
    position       integer not null,
    version        integer not null default 1,
    is_on          boolean not null default false,
    -- What happened before is none of its business.
    on_since       timestamptz,
    -- Why it was switched off by itself.
    off_reason     text,
    off_at         timestamptz,
    -- Who made it, and who is told of it when a person did: agent:ID or key:ID.
    made_by        text not null,
    owner_id       uuid,
    -- What it names that is gone, as a sentence; it is not run then.
    invalid_reason text,
    -- What happens, and how long before the rule looks; both are in the spec too.
    event          text not null,
    after_minutes  integer,
    -- name, event, after_minutes, conditions, unless, actions, hourly_budget
    spec           jsonb not null,
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    archived_at    timestamptz,
    constraint rule_event_known check (event in ('ticket_created', 'message_received', 'ticket_updated', 'tag_added',
                                                 'rating_received', 'sla_warning', 'sla_breach')),
    constraint rule_after_range check (after_minutes between 1 and 129600),
    constraint rule_on_has_begun check (not is_on or on_since is not null)
);
create index rule_of_tenant on support_app.rule (tenant_id, position, id) where archived_at is null;
create index rule_in_force on support_app.rule (tenant_id, event) where is_on and archived_at is null;

create table support_app.rule_version (
    tenant_id  uuid not null references shared.tenant (id),
    rule_id    uuid not null references support_app.rule (id),
    version    integer not null,
    spec       jsonb not null,
    changed_by text not null,
    at         timestamptz not null default now(),
    primary key (rule_id, version)
);

-- Something that happened to a ticket while a rule for it was in force.
create table support_app.rule_cause (
    id          bigint generated always as identity primary key,
    tenant_id   uuid not null references shared.tenant (id),
    ticket_id   uuid not null references support_app.ticket (id) on delete cascade,
    event       text not null,
    at          timestamptz not null default now(),
    message_id  uuid,
    -- What changed, which tags came, which clock: names and no text of people.
    detail      jsonb not null default '{}',
    -- The rule that did it, and its place: only later ones are looked at.
    by_rule     uuid,
    by_position integer,
    -- Changes of one transaction are one event.
    xact        bigint not null default pg_current_xact_id()::text::bigint,
    done_at     timestamptz,
    -- Why no rule was looked at: a machine's message, spam.
    skipped     text,
    -- Of each rule that was looked at: rule, version, fired, and a character for each condition.
    evaluated   jsonb
);
create index rule_cause_waiting on support_app.rule_cause (ticket_id, id) where done_at is null;
create unique index rule_cause_once_a_change on support_app.rule_cause
    (ticket_id, xact, coalesce(by_rule, '00000000-0000-0000-0000-000000000000'))
    where event = 'ticket_updated' and done_at is null;
create index rule_cause_by_ticket on support_app.rule_cause (ticket_id, id desc);
create index rule_cause_by_age on support_app.rule_cause (tenant_id, at);

-- A rule that fired, or would have: once for a cause.
create table support_app.rule_run (
    id         uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    rule_id    uuid not null references support_app.rule (id),
    version    integer not null,
    ticket_id  uuid not null references support_app.ticket (id) on delete cascade,
    cause_id   bigint not null,
    event      text not null,
    -- When it happened, and when the rule was run.
    caused_at  timestamptz not null,
    at         timestamptz not null default clock_timestamp(),
    -- fired, failed (nothing of it was done), over_budget (it was switched off), invalid.
    outcome    text not null,
    -- Every condition with its result.
    results    jsonb not null,
    -- Every action with what came of it.
    done       jsonb not null default '[]',
    problem    text,
    constraint rule_run_once_a_cause unique (rule_id, cause_id),
    constraint rule_run_outcome_known check (outcome in ('fired', 'failed', 'over_budget', 'invalid'))
);
create index rule_run_by_rule on support_app.rule_run (rule_id, at desc, id desc);
create index rule_run_by_ticket on support_app.rule_run (ticket_id, at desc, id desc);
create index rule_run_by_age on support_app.rule_run (tenant_id, at);

-- When a customer had an automatic reply last.
create table support_app.auto_reply (
    tenant_id uuid not null references shared.tenant (id),
    customer  text not null,
    at        timestamptz not null,
    primary key (tenant_id, customer)
);

-- Calls to other systems that rules asked for.
create table support_app.rule_webhook (
    id         uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    rule_id    uuid not null references support_app.rule (id),
    ticket_id  uuid not null references support_app.ticket (id) on delete cascade,
    url        text not null,
    body       jsonb not null,
    -- waiting, delivered, failed
    state      text not null default 'waiting',
    status     integer,
    problem    text,
    created_at timestamptz not null default now(),
    ended_at   timestamptz,
    constraint rule_webhook_state_known check (state in ('waiting', 'delivered', 'failed')),
    constraint rule_webhook_url_length check (char_length(url) between 1 and 2000)
);
create index rule_webhook_by_rule on support_app.rule_webhook (rule_id, created_at desc, id desc);
create index rule_webhook_by_ticket on support_app.rule_webhook (ticket_id);
create index rule_webhook_by_age on support_app.rule_webhook (tenant_id, created_at);

-- A rule tried on the past: what it would have done.
create table support_app.rule_trial (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    rule_id     uuid not null references support_app.rule (id),
    -- What was tried: the rule as it was, or as it may become.
    spec        jsonb not null,
    from_at     timestamptz not null,
    until_at    timestamptz not null,
    asked_by    text not null,
    job_id      uuid not null,
    state       text not null default 'waiting',
    -- Where it goes on after it was interrupted.
    after_at    timestamptz,
    after_key   text,
    events      bigint not null default 0,
    fired       bigint not null default 0,
    problem     text,
    created_at  timestamptz not null default now(),
    finished_at timestamptz,
    constraint rule_trial_state_known check (state in ('waiting', 'running', 'done', 'failed'))
);
create index rule_trial_by_rule on support_app.rule_trial (rule_id, created_at desc, id desc);
create index rule_trial_by_age on support_app.rule_trial (tenant_id, created_at);

create table support_app.rule_trial_hit (
    tenant_id uuid not null references shared.tenant (id),
    trial_id  uuid not null references support_app.rule_trial (id) on delete cascade,
    seq       bigint not null,
    ticket_id uuid not null references support_app.ticket (id) on delete cascade,
    at        timestamptz not null,
    results   jsonb not null,
    actions   jsonb not null,
    primary key (trial_id, seq)
);
create index rule_trial_hit_by_ticket on support_app.rule_trial_hit (ticket_id);

-- The rule whose actions are being carried out: ID:POSITION, or nothing.
create function support_app.acting_rule() returns text
    language sql stable
    return nullif(current_setting('desk.rule', true), '');

create function support_app.rules_want(tenant uuid, what text) returns boolean
    language sql stable
    return exists (select from support_app.rule r
                   where r.tenant_id = tenant and r.event = what and r.is_on and r.archived_at is null);

create function support_app.note_cause(tenant uuid, ticket uuid, what text, message uuid, more jsonb) returns void
    language sql volatile
as $note$
    insert into support_app.rule_cause (tenant_id, ticket_id, event, message_id, detail, by_rule, by_position)
    select tenant, ticket, what, message, more, split_part(support_app.acting_rule(), ':', 1)::uuid,
           split_part(support_app.acting_rule(), ':', 2)::integer
    where support_app.rules_want(tenant, what)
$note$;

create function support_app.ticket_came_for_rules() returns trigger
    language plpgsql
as $came$
begin
    perform support_app.note_cause(new.tenant_id, new.id, 'ticket_created', null, '{}');
    return null;
end
$came$;
create trigger ticket_rules_created after insert on support_app.ticket
    for each row execute function support_app.ticket_came_for_rules();

-- What a ticket's making brings along is no update of it; several changes in one transaction are one.
create function support_app.ticket_changed_for_rules() returns trigger
    language plpgsql
as $changed$
declare
    before jsonb;
    after jsonb;
    field text;
    changed text[] := '{}';
    came text[];
begin
    if old.tags is distinct from new.tags and new.created_at <> now() then
        came := array(select unnest(new.tags) except select unnest(old.tags));
        if cardinality(came) > 0 then
            perform support_app.note_cause(new.tenant_id, new.id, 'tag_added', null, jsonb_build_object('tags', came));
        end if;
    end if;
    if new.created_at = now() or not support_app.rules_want(new.tenant_id, 'ticket_updated') then
        return null;
    end if;
    before := to_jsonb(old);
    after := to_jsonb(new);
    foreach field in array array['status', 'priority', 'assignee_id', 'department', 'skills', 'tags', 'subject', 'channel',
                                 'customer_id', 'custom', 'language', 'snoozed_until', 'is_spam', 'suspended_reason'] loop
        if before -> field is distinct from after -> field then
            changed := changed || field;
        end if;
    end loop;
    if cardinality(changed) = 0 then
        return null;
    end if;
    insert into support_app.rule_cause as c (tenant_id, ticket_id, event, detail, by_rule, by_position)
    values (new.tenant_id, new.id, 'ticket_updated', jsonb_build_object('changed', changed),
            split_part(support_app.acting_rule(), ':', 1)::uuid, split_part(support_app.acting_rule(), ':', 2)::integer)
    on conflict (ticket_id, xact, coalesce(by_rule, '00000000-0000-0000-0000-000000000000'))
        where event = 'ticket_updated' and done_at is null
    do update set detail = jsonb_build_object('changed', (
        select jsonb_agg(distinct f.name) from jsonb_array_elements_text((c.detail -> 'changed') || (excluded.detail -> 'changed'))
            as f (name)));
    return null;
end
$changed$;
create trigger ticket_rules_changed after update on support_app.ticket
    for each row when (
        (old.status, old.priority, old.assignee_id, old.department, old.skills, old.tags, old.subject, old.channel,
         old.customer_id, old.custom, old.language, old.snoozed_until, old.is_spam, old.suspended_reason)
        is distinct from
        (new.status, new.priority, new.assignee_id, new.department, new.skills, new.tags, new.subject, new.channel,
         new.customer_id, new.custom, new.language, new.snoozed_until, new.is_spam, new.suspended_reason))
    execute function support_app.ticket_changed_for_rules();

-- What a customer wrote. What was sent days before it came is history, and causes nothing; nor does what a machine sent.
create function support_app.message_came_for_rules() returns trigger
    language plpgsql
as $message$
begin
    perform support_app.note_cause(new.tenant_id, new.ticket_id, 'message_received', new.id, '{}');
    return null;
end
$message$;
create trigger message_rules after insert on support_app.message
    for each row when (not new.from_agent and not new.internal and not new.by_machine
                       and new.sent_at > new.created_at - interval '1 day')
    execute function support_app.message_came_for_rules();

create function support_app.rating_came_for_rules() returns trigger
    language plpgsql
as $rating$
begin
    perform support_app.note_cause(new.tenant_id, new.ticket_id, 'rating_received', null,
                                   jsonb_build_object('score', new.score));
    return null;
end
$rating$;
create trigger rating_rules after insert or update of score on support_app.rating
    for each row execute function support_app.rating_came_for_rules();

create function support_app.alert_came_for_rules() returns trigger
    language plpgsql
as $alert$
begin
    perform support_app.note_cause(new.tenant_id, new.ticket_id, 'sla_' || new.kind, null,
                                   jsonb_build_object('clock', new.clock));
    return null;
end
$alert$;
create trigger sla_alert_rules after insert on support_app.sla_alert
    for each row execute function support_app.alert_came_for_rules();

do $policies$
declare
    name text;
begin
    foreach name in array array['rule', 'rule_version', 'rule_cause', 'rule_run', 'auto_reply', 'rule_webhook', 'rule_trial',
                                'rule_trial_hit'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on support_app.%I to desk_support', name);
    end loop;
end
$policies$;
