-- Schema `outbound`: what a tenant lets other systems know. Events that somebody asked for wait in an outbox from the
-- transaction that makes them; from there they become deliveries to webhook endpoints, and alerts in chat.
--
-- Written under a group role of its own, desk_outbound, because what answers and what asks here are strangers.

do $role$
declare
    tries int;
    login text;
begin
    if not exists (select from pg_roles where rolname = 'desk_outbound') then
        begin
            create role desk_outbound nologin;
        exception when duplicate_object or unique_violation then
            raise notice 'role desk_outbound was created by somebody else meanwhile';
        end;
    end if;
    foreach login in array array['desk_api', 'desk_worker'] loop
        tries := 0;
        while not exists (
            select from pg_auth_members am join pg_roles g on g.oid = am.roleid join pg_roles l on l.oid = am.member
            where g.rolname = 'desk_outbound' and l.rolname = login)
        loop
            begin
                execute format('grant desk_outbound to %I', login);
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
$role$;

create schema outbound;

-- Where a tenant wants its events delivered.
create table outbound.endpoint (
    id                uuid primary key,
    tenant_id         uuid not null references shared.tenant (id),
    url               text not null,
    description       text not null default '',
    -- Types of events: `ticket.created`, all of an area as `ticket.*`, or everything as `*`.
    events            text[] not null,
    -- One at a time, in the order of the events; a delivery that fails holds the others up.
    ordered           boolean not null default false,
    state             text not null default 'active',
    -- Why it is not active, in words of ours.
    state_reason      text,
    state_since       timestamptz not null default now(),
    sealed_secret     bytea not null,
    -- The secret before: signed with as well until then.
    sealed_old_secret bytea,
    old_secret_until  timestamptz,
    -- Since when every attempt failed, and how many did.
    failing_since     timestamptz,
    failures          integer not null default 0,
    last_success_at   timestamptz,
    created_by        text not null,
    version           bigint not null default 1,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    removed_at        timestamptz,
    constraint endpoint_url_length check (char_length(url) between 1 and 2000),
    constraint endpoint_description_length check (char_length(description) <= 500),
    constraint endpoint_events_few check (cardinality(events) between 1 and 50),
    constraint endpoint_state_known check (state in ('active', 'paused', 'disabled'))
);
create index endpoint_by_tenant on outbound.endpoint (tenant_id, id) where removed_at is null;

-- What was committed and is not handed out yet.
create table outbound.outbox (
    id          bigint generated always as identity primary key,
    tenant_id   uuid not null,
    type        text not null,
    -- What it is about, such as a ticket's id: what belongs together has the same.
    subject     text not null,
    -- Ids, numbers, times, words of fixed lists. No text of people.
    data        jsonb not null,
    at          timestamptz not null default clock_timestamp(),
    -- For this endpoint alone, whatever it listens to: a test.
    endpoint_id uuid
);

-- An event that somebody gets. `seq` was its number in the outbox: of one subject, whose writers wait for each other,
-- numbers are in the order of the commits.
create table outbound.event (
    id        uuid primary key default gen_random_uuid(),
    seq       bigint not null,
    tenant_id uuid not null,
    type      text not null,
    subject   text not null,
    data      jsonb not null,
    at        timestamptz not null
);
create index event_by_age on outbound.event (at);

-- An event on its way to an endpoint.
create table outbound.webhook_delivery (
    id            uuid primary key default gen_random_uuid(),
    tenant_id     uuid not null,
    endpoint_id   uuid not null references outbound.endpoint (id),
    event_id      uuid not null references outbound.event (id) on delete cascade,
    seq           bigint not null,
    type          text not null,
    state         text not null default 'waiting',
    -- Attempts that failed by the endpoint's fault.
    attempts      smallint not null default 0,
    -- How often it was told to come later, and since when.
    waits         integer not null default 0,
    waiting_since timestamptz,
    next_at       timestamptz not null default clock_timestamp(),
    last_status   smallint,
    last_error    text,
    created_at    timestamptz not null default clock_timestamp(),
    ended_at      timestamptz,
    -- The delivery that this one repeats.
    replay_of     uuid,
    -- How often a job for it was asked for anew because there was none.
    revived       smallint not null default 0,
    constraint delivery_state_known check (state in ('waiting', 'delivered', 'failed'))
);
create index delivery_waiting on outbound.webhook_delivery (endpoint_id, seq, created_at) where state = 'waiting';
create index delivery_overdue on outbound.webhook_delivery (next_at) where state = 'waiting';
create index delivery_newest on outbound.webhook_delivery (tenant_id, created_at desc, id desc);
create index delivery_of_endpoint on outbound.webhook_delivery (endpoint_id, created_at desc, id desc);
create index delivery_of_event on outbound.webhook_delivery (event_id);

-- A request that was made, and what came of it.
create table outbound.attempt (
    id               uuid primary key default gen_random_uuid(),
    tenant_id        uuid not null,
    delivery_id      uuid not null references outbound.webhook_delivery (id) on delete cascade,
    at               timestamptz not null,
    took_ms          integer not null,
    -- delivered, failed (the endpoint's fault) or waits (it asked for time, or we could not).
    outcome          text not null,
    status           smallint,
    error            text,
    -- Without signatures, credentials and cookies.
    request_headers  jsonb not null,
    response_headers jsonb not null,
    -- The beginning of it.
    response_body    text,
    constraint attempt_outcome_known check (outcome in ('delivered', 'failed', 'waits')),
    constraint attempt_body_length check (char_length(response_body) <= 2048)
);
create index attempt_of_delivery on outbound.attempt (delivery_id, at);

-- A workspace of a chat (Slack) that a tenant has connected.
create table outbound.workspace (
    id           uuid primary key,
    tenant_id    uuid not null references shared.tenant (id),
    team_id      text not null,
    team_name    text not null default '',
    app_id       text not null default '',
    bot_user_id  text not null default '',
    scopes       text[] not null default '{}',
    sealed_token bytea not null,
    state        text not null default 'connected',
    state_reason text,
    installed_by text not null,
    installed_at timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    constraint workspace_state_known check (state in ('connected', 'revoked', 'removed')),
    constraint workspace_team_form check (team_id ~ '^[A-Z0-9]{1,30}$')
);
-- A team speaks to one tenant, or nobody could tell to whom.
create unique index workspace_of_team on outbound.workspace (team_id) where state = 'connected';
create index workspace_by_tenant on outbound.workspace (tenant_id, id);

-- An installation that somebody began; used once.
create table outbound.install (
    state_hash bytea primary key,
    tenant_id  uuid not null references shared.tenant (id),
    actor      text not null,
    expires_at timestamptz not null
);

-- Which events are told in which channel.
create table outbound.alert_rule (
    id           uuid primary key,
    tenant_id    uuid not null references shared.tenant (id),
    workspace_id uuid not null references outbound.workspace (id),
    channel      text not null,
    events       text[] not null,
    is_on        boolean not null default true,
    -- Minutes of the day between which nothing is told; what comes meanwhile is told afterwards, together.
    quiet_from   smallint,
    quiet_to     smallint,
    timezone     text not null default 'UTC',
    -- Told together every so many minutes; 0 tells each at once.
    digest_minutes smallint not null default 0,
    created_by   text not null,
    version      bigint not null default 1,
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    constraint alert_rule_channel_form check (channel ~ '^[CGD][A-Z0-9]{1,30}$'),
    constraint alert_rule_events_few check (cardinality(events) between 1 and 50),
    constraint alert_rule_quiet_range check
        ((quiet_from is null) = (quiet_to is null) and quiet_from between 0 and 1439 and quiet_to between 0 and 1439),
    constraint alert_rule_digest_range check (digest_minutes between 0 and 1440)
);
create index alert_rule_by_tenant on outbound.alert_rule (tenant_id, id);

-- An event on its way to a channel.
create table outbound.alert (
    id           uuid primary key default gen_random_uuid(),
    tenant_id    uuid not null,
    rule_id      uuid not null references outbound.alert_rule (id) on delete cascade,
    workspace_id uuid not null,
    channel      text not null,
    event_id     uuid not null references outbound.event (id) on delete cascade,
    seq          bigint not null,
    state        text not null default 'waiting',
    error        text,
    -- The message's name in its channel.
    ts           text,
    created_at   timestamptz not null default clock_timestamp(),
    ended_at     timestamptz,
    constraint alert_state_known check (state in ('waiting', 'sent', 'failed'))
);
create index alert_waiting on outbound.alert (workspace_id, channel, seq, id) where state = 'waiting';
create index alert_newest on outbound.alert (tenant_id, created_at desc, id desc);
create index alert_of_rule on outbound.alert (rule_id);
create index alert_of_event on outbound.alert (event_id);

-- The message in a channel that began the talk about a subject: what follows goes below it.
create table outbound.thread (
    tenant_id    uuid not null,
    workspace_id uuid not null references outbound.workspace (id) on delete cascade,
    channel      text not null,
    subject      text not null,
    ts           text not null,
    at           timestamptz not null,
    primary key (workspace_id, channel, subject)
);
create index thread_by_age on outbound.thread (at);

-- Requests of a chat that were taken in: it sends them again when it did not hear the answer.
create table outbound.heard (
    tenant_id    uuid not null,
    workspace_id uuid not null references outbound.workspace (id) on delete cascade,
    key          text not null,
    at           timestamptz not null default now(),
    primary key (workspace_id, key)
);
create index heard_by_age on outbound.heard (at);

-- Whether a type is among those that were asked for.
create function outbound.wants(events text[], type text) returns boolean
    language sql immutable parallel safe
    return '*' = any (events) or type = any (events) or split_part(type, '.', 1) || '.*' = any (events);

-- Whether anybody of the tenant gets events of that type.
create function outbound.listens(tenant uuid, type text) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return exists (select from outbound.endpoint e
                   where e.tenant_id = listens.tenant and e.removed_at is null and e.state <> 'disabled'
                     and outbound.wants(e.events, listens.type))
        or exists (select from outbound.alert_rule r
                   where r.tenant_id = listens.tenant and r.is_on and outbound.wants(r.events, listens.type));

-- Leaves an event in the outbox when somebody gets it. For triggers; programs call `tell`.
create function outbound.note(tenant uuid, type text, subject text, data jsonb) returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $note$
begin
    if outbound.listens(tenant, type) then
        insert into outbound.outbox (tenant_id, type, subject, data) values (tenant, type, subject, data);
    end if;
end
$note$;

-- The same for programs, of the transaction's own tenant.
create function outbound.tell(type text, subject text, data jsonb) returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $tell$
    select outbound.note(nullif(current_setting('desk.tenant_id', true), '')::uuid, type, subject, data)
    where nullif(current_setting('desk.tenant_id', true), '') is not null
$tell$;

-- Hands events out, one transaction at a time: whoever finds another at it has nothing to do. Answers what there is to
-- do now: deliveries to endpoints, and channels that have alerts. An ordered endpoint has one delivery under way at most;
-- whoever ends it goes on with the next.
create function outbound.hand_out(most integer)
    returns table (tenant_id uuid, delivery_id uuid, endpoint_id uuid, workspace_id uuid, channel text)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $hand_out$
#variable_conflict use_column
begin
    if not exists (select from outbound.outbox) or not pg_try_advisory_xact_lock(7310578402315502) then
        return;
    end if;
    -- The end of an ordered endpoint's delivery looks for the next one under the same lock, so one of the two sees what
    -- the other did.
    perform from outbound.endpoint e
    where e.ordered and e.removed_at is null
      and e.tenant_id in (select o.tenant_id from (select * from outbound.outbox order by id limit most) o)
    order by e.id for update;
    return query
    with taken as (
        delete from outbound.outbox o
        where o.id in (select x.id from outbound.outbox x order by x.id limit most)
        returning o.*
    ), made as materialized (
        select gen_random_uuid() as event_id, t.* from taken t
    ), stored as (
        insert into outbound.event (id, seq, tenant_id, type, subject, data, at)
        select m.event_id, m.id, m.tenant_id, m.type, m.subject, m.data, m.at from made m
    ), delivered as (
        insert into outbound.webhook_delivery (tenant_id, endpoint_id, event_id, seq, type)
        select m.tenant_id, e.id, m.event_id, m.id, m.type
        from made m join outbound.endpoint e on e.tenant_id = m.tenant_id and e.removed_at is null
            and case when m.endpoint_id is null then e.state <> 'disabled' and outbound.wants(e.events, m.type)
                     else e.id = m.endpoint_id end
        returning id, tenant_id, endpoint_id, seq, type
    ), alerted as (
        insert into outbound.alert (tenant_id, rule_id, workspace_id, channel, event_id, seq)
        select m.tenant_id, r.id, r.workspace_id, r.channel, m.event_id, m.id
        from made m join outbound.alert_rule r on r.tenant_id = m.tenant_id and r.is_on and m.endpoint_id is null
            and outbound.wants(r.events, m.type)
        returning tenant_id, workspace_id, channel
    )
    select d.tenant_id, d.id, d.endpoint_id, null::uuid, null::text
    from delivered d join outbound.endpoint e on e.id = d.endpoint_id
    where d.type = 'webhook.test'
       or e.state = 'active' and (not e.ordered or (
            d.id = (select f.id from delivered f where f.endpoint_id = e.id and f.type <> 'webhook.test'
                    order by f.seq limit 1)
            and not exists (select from outbound.webhook_delivery w where w.endpoint_id = e.id and w.state = 'waiting')))
    union all
    select distinct a.tenant_id, null::uuid, null::uuid, a.workspace_id, a.channel from alerted a;
end
$hand_out$;

-- Deliveries whose time passed long ago: their jobs may be gone. Each is named again ten minutes later.
create function outbound.overdue(most integer)
    returns table (tenant_id uuid, delivery_id uuid, endpoint_id uuid, workspace_id uuid, channel text)
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $overdue$
    update outbound.webhook_delivery d set next_at = clock_timestamp()
    where d.id in (
        select w.id from outbound.webhook_delivery w join outbound.endpoint e on e.id = w.endpoint_id
        where w.state = 'waiting' and w.next_at < clock_timestamp() - interval '10 minutes'
          and e.state = 'active' and e.removed_at is null
          and (not e.ordered or not exists (
              select from outbound.webhook_delivery f
              where f.endpoint_id = w.endpoint_id and f.state = 'waiting' and (f.seq, f.created_at) < (w.seq, w.created_at)))
        order by w.next_at limit most for update of w skip locked)
    returning d.tenant_id, d.id, d.endpoint_id, null::uuid, null::text
$overdue$;

-- Counts that jobs of these deliveries were gone. The fifth time it is our fault for good.
create function outbound.revived(deliveries uuid[]) returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $revived$
    update outbound.webhook_delivery set revived = revived + 1,
        state = case when revived >= 4 then 'failed' else state end,
        ended_at = case when revived >= 4 then clock_timestamp() else ended_at end,
        last_error = case when revived >= 4 then 'jobs that deliver it are lost again and again' else last_error end
    where id = any (deliveries) and state = 'waiting'
$revived$;

-- Removes what is older, a bounded number of each; answers the greatest number: when it is `most`, there may be more.
create function outbound.prune(older_than timestamptz, most integer) returns integer
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $prune$
declare
    gone integer;
    greatest_gone integer := 0;
begin
    -- With its deliveries, their attempts and its alerts.
    delete from outbound.event e where e.id in (
        select x.id from outbound.event x where x.at < older_than
          and not exists (select from outbound.webhook_delivery d where d.event_id = x.id
                          and (d.state = 'waiting' or d.created_at >= older_than))
        order by x.at limit most for update skip locked);
    get diagnostics gone = row_count;
    greatest_gone := greatest(greatest_gone, gone);
    update outbound.webhook_delivery d set state = 'failed', ended_at = clock_timestamp(), last_error = 'it waited for too long'
    where d.id in (select x.id from outbound.webhook_delivery x where x.state = 'waiting' and x.next_at < older_than
                   order by x.next_at limit most for update skip locked);
    get diagnostics gone = row_count;
    greatest_gone := greatest(greatest_gone, gone);
    delete from outbound.heard h where h.ctid = any (array(
        select x.ctid from outbound.heard x where x.at < clock_timestamp() - interval '1 day' order by x.at limit most));
    get diagnostics gone = row_count;
    greatest_gone := greatest(greatest_gone, gone);
    delete from outbound.thread t where t.ctid = any (array(
        select x.ctid from outbound.thread x where x.at < older_than order by x.at limit most));
    delete from outbound.install where expires_at < clock_timestamp();
    return greatest_gone;
end
$prune$;

-- Whose a team of the chat is, before the tenant is known: who asks has proved to be the chat.
create function outbound.whose_team(team text) returns table (tenant_id uuid, workspace_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $team$
    select w.tenant_id, w.id from outbound.workspace w where w.team_id = team and w.state = 'connected'
$team$;

-- Uses up an installation that somebody began; nothing when there is none.
create function outbound.use_install(hash bytea) returns table (tenant_id uuid, actor text)
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $install$
    delete from outbound.install i where i.state_hash = hash
    returning case when i.expires_at > clock_timestamp() then i.tenant_id end, i.actor
$install$;

do $policies$
declare
    name text;
begin
    foreach name in array array['endpoint', 'outbox', 'event', 'webhook_delivery', 'attempt', 'workspace', 'install',
                                'alert_rule', 'alert', 'thread', 'heard'] loop
        execute format('alter table outbound.%I enable row level security', name);
        execute format(
            'create policy own_tenant on outbound.%I to desk_outbound '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on outbound.%I to desk_outbound', name);
    end loop;
end
$policies$;

-- Like the other applications: it reads its tenant, asks for jobs, and writes its trail.
grant usage on schema outbound, shared, jobs to desk_outbound;
grant execute on function shared.current_tenant() to desk_outbound;
grant select on shared.tenant to desk_outbound;
grant insert on shared.audit to desk_outbound;
alter policy own_tenant on shared.tenant to desk_platform, desk_support, desk_marketing, desk_outbound;
alter policy own_tenant on shared.audit to desk_platform, desk_support, desk_marketing, desk_outbound;
grant select on jobs.live, jobs.finished, jobs.dead, jobs.attempt, jobs.job, jobs.side_effect, jobs.idempotency
    to desk_outbound;
grant insert on jobs.live, jobs.transition, jobs.idempotency to desk_outbound;
grant update (payload, payload_version) on jobs.live to desk_outbound;
grant execute on function jobs.enqueue_one(jsonb), jobs.kinds_of(text) to desk_outbound;
alter policy renewed_while_waiting on jobs.live to desk_platform, desk_support, desk_marketing, desk_outbound;
do $jobs$
declare
    name text;
begin
    foreach name in array array['live', 'finished', 'dead', 'attempt', 'side_effect', 'idempotency', 'occurrence'] loop
        execute format(
            'alter policy own_tenant on jobs.%I to desk_platform, desk_support, desk_marketing, desk_outbound', name);
    end loop;
end
$jobs$;

do $rights$
declare
    signature text;
begin
    foreach signature in array array[
        'listens(uuid, text)', 'note(uuid, text, text, jsonb)', 'tell(text, text, jsonb)', 'hand_out(integer)',
        'overdue(integer)', 'revived(uuid[])', 'prune(timestamptz, integer)', 'whose_team(text)', 'use_install(bytea)'] loop
        execute format('revoke all on function outbound.%s from public', signature);
    end loop;
end
$rights$;
grant usage on schema outbound to desk_queue, desk_platform, desk_support, desk_marketing;
grant execute on function outbound.tell(text, text, jsonb) to desk_platform, desk_support, desk_marketing, desk_outbound;
grant execute on function outbound.hand_out(integer), outbound.overdue(integer), outbound.revived(uuid[]),
    outbound.prune(timestamptz, integer) to desk_queue;
grant execute on function outbound.whose_team(text), outbound.use_install(bytea) to desk_outbound;
