-- Events in their order, and who is there: what the api's processes ask for all tenants at once. The functions run with
-- their owner's rights, because a process serves the agents of every tenant with one statement; which of them an agent
-- may see is decided by the api for each connection.

-- Gives committed events their numbers, a tenant's without gaps. One transaction at a time does it, so numbers follow
-- commits; whoever finds it under way has nothing to do.
create function support_app.number_events(most integer) returns integer
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $number$
declare
    moved integer;
begin
    if not pg_try_advisory_xact_lock(7310578402315401) then
        return 0;
    end if;
    with taken as (
        delete from support_app.event_pending p
        where p.id in (select q.id from support_app.event_pending q order by q.id limit most)
        returning p.*
    ), counted as (
        select t.*, row_number() over (partition by t.tenant_id order by t.id) as place from taken t
    ), heads as (
        insert into support_app.event_head as h (tenant_id, seq)
        select c.tenant_id, count(*) from counted c group by c.tenant_id order by c.tenant_id
        on conflict (tenant_id) do update set seq = h.seq + excluded.seq
        returning h.tenant_id, h.seq
    )
    insert into support_app.event (tenant_id, seq, kind, ticket_id, agent_id, payload, at)
    select c.tenant_id, h.seq - (select count(*) from counted o where o.tenant_id = c.tenant_id) + c.place,
           c.kind, c.ticket_id, c.agent_id, c.payload, c.at
    from counted c join heads h on h.tenant_id = c.tenant_id;
    get diagnostics moved = row_count;
    return moved;
end
$number$;

-- The events of each of these tenants after the number beside it, `most` a tenant. A null number asks for none.
create function support_app.events_after(tenants uuid[], after bigint[], most integer)
    returns table (tenant_id uuid, seq bigint, kind text, ticket_id uuid, agent_id uuid, payload jsonb, at timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $after$
    select e.tenant_id, e.seq, e.kind, e.ticket_id, e.agent_id, e.payload, e.at
    from unnest(tenants, after) a (tenant, seq)
    cross join lateral (
        select x.* from support_app.event x where x.tenant_id = a.tenant and x.seq > a.seq order by x.seq limit most
    ) e
    order by e.tenant_id, e.seq
$after$;

-- Both in one round trip: what the pump of each api process calls while anybody is connected to it.
create function support_app.pump_events(tenants uuid[], after bigint[], most integer)
    returns table (tenant_id uuid, seq bigint, kind text, ticket_id uuid, agent_id uuid, payload jsonb, at timestamptz)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $pump$
#variable_conflict use_column
begin
    if exists (select from support_app.event_pending) then
        perform support_app.number_events(5000);
    end if;
    return query select * from support_app.events_after(tenants, after, most);
end
$pump$;

-- The number of a tenant's newest event, and the oldest number from which on all are kept.
create function support_app.event_span(tenant uuid, out newest bigint, out oldest bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $span$
    select h.seq, coalesce((select min(e.seq) from support_app.event e where e.tenant_id = tenant), h.seq + 1)
    from (select coalesce((select x.seq from support_app.event_head x where x.tenant_id = tenant), 0) as seq) h
$span$;

-- Every some seconds, by any process: what nobody was connected to number is numbered, and what is older than 15 minutes
-- goes, a bounded number at a time. Answers the greater of both numbers: when it is `most`, there may be more.
create function support_app.tend_events(most integer) returns integer
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $tend$
declare
    numbered integer := support_app.number_events(most);
    gone integer;
begin
    delete from support_app.event e
    where (e.tenant_id, e.seq) in (
        select x.tenant_id, x.seq from support_app.event x
        where x.at < clock_timestamp() - interval '15 minutes' order by x.at limit most for update skip locked);
    get diagnostics gone = row_count;
    return greatest(numbered, gone);
end
$tend$;

-- A process of the api that holds connections; one that is not heard of for 30 s is dead, and its connections with it.
create table support_app.presence_process (
    id          uuid primary key,
    alive_until timestamptz not null
);
create table support_app.presence (
    process_id uuid not null references support_app.presence_process (id) on delete cascade,
    agent_id   uuid not null references support_app.agent (id) on delete cascade,
    tenant_id  uuid not null,
    -- When the last connection to this process ended; null while there is one.
    gone_at    timestamptz,
    primary key (process_id, agent_id)
);
create index presence_by_agent on support_app.presence (agent_id);
create index agent_present on support_app.agent (id) where is_present;
alter table support_app.presence_process enable row level security;
alter table support_app.presence enable row level security;

-- One call of a process: it lives; these agents connected, these have no connection to it any more. Answers the agents
-- who are there now and were not, and with `look_at_all` those who are not any more, sixty seconds after their last
-- connection anywhere. An agent's own word on themselves is not touched.
create function support_app.keep_presence(
    process uuid, came uuid[], came_tenants uuid[], went uuid[], look_at_all boolean, out tenant_id uuid,
    out agent_id uuid, out is_present boolean, out load integer, out grace_secs integer)
    returns setof record
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $presence$
#variable_conflict use_column
begin
    insert into support_app.presence_process as p (id, alive_until)
    values (process, clock_timestamp() + interval '30 seconds')
    on conflict (id) do update set alive_until = excluded.alive_until;
    insert into support_app.presence as p (process_id, agent_id, tenant_id)
    select process, c.agent, c.tenant from unnest(came, came_tenants) c (agent, tenant)
    where exists (select from support_app.agent a where a.id = c.agent and a.tenant_id = c.tenant)
    on conflict on constraint presence_pkey do update set gone_at = null;
    update support_app.presence p set gone_at = clock_timestamp()
    where p.process_id = process and p.agent_id = any(went) and p.gone_at is null;

    return query
    with there as (
        select p.agent_id,
               bool_or(case when p.gone_at is null then q.alive_until > clock_timestamp() - interval '60 seconds'
                            else p.gone_at > clock_timestamp() - interval '60 seconds' end) as present
        from support_app.presence p join support_app.presence_process q on q.id = p.process_id
        where p.agent_id = any(came) or (look_at_all and p.agent_id in (select a.id from support_app.agent a where a.is_present))
        group by p.agent_id
    ), wanted as (
        select a.id, t.agent_id is not null and t.present as present
        from support_app.agent a left join there t on t.agent_id = a.id
        where a.id = any(came) or (look_at_all and a.is_present)
    ), locked as (
        select a.id, w.present from support_app.agent a join wanted w on w.id = a.id
        where a.is_present <> w.present order by a.id for update of a
    )
    update support_app.agent a set is_present = l.present, present_until = case when l.present then null else now() end
    from locked l where a.id = l.id
    returning a.tenant_id, a.id, a.is_present, a.load,
              coalesce((select r.offline_grace_secs from support_app.routing r where r.tenant_id = a.tenant_id), 120);

    if not look_at_all then
        return;
    end if;
    delete from support_app.presence p where p.gone_at < clock_timestamp() - interval '2 minutes';
    delete from support_app.presence_process q
    where q.alive_until < clock_timestamp() - interval '5 minutes';
end
$presence$;

do $rights$
declare
    signature text;
begin
    foreach signature in array array[
        'number_events(integer)', 'events_after(uuid[], bigint[], integer)', 'pump_events(uuid[], bigint[], integer)',
        'event_span(uuid)', 'tend_events(integer)', 'keep_presence(uuid, uuid[], uuid[], uuid[], boolean)'] loop
        execute format('revoke all on function support_app.%s from public', signature);
        execute format('grant execute on function support_app.%s to desk_gateway', signature);
    end loop;
end
$rights$;
grant usage on schema support_app to desk_gateway;
