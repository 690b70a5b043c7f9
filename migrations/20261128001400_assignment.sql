-- Whose a ticket is: how much work each agent has, the history of assignments with their reasons, and how a tenant
-- wants work to be given out.

alter table support_app.agent
    -- When they last became available, and how many units automatic assignment gave them since: newcomers are paced.
    add column arrived_at          timestamptz,
    add column given_since_arrival integer not null default 0;
create index agent_of_tenant_ready on support_app.agent (tenant_id, id)
    where disabled_at is null and accepts_new and is_present and availability = 'online';

-- What a ticket weighs in the load of whoever has it: open work counts, and nothing else does.
create function support_app.open_units(
    channel text, status text, snoozed_until timestamptz, archived_at timestamptz, merged_into uuid, is_spam boolean,
    suspended_reason text) returns integer
    language sql immutable parallel safe
    return case when status = 'open' and snoozed_until is null and archived_at is null and merged_into is null
                     and not is_spam and suspended_reason is null
                then support_app.units_of(channel) else 0 end;

-- Keeps the loads exact, whoever changes a ticket: a route, a job, a help desk's delivery. Agents are locked in the order
-- of their ids, so that two transfers in opposite directions wait for each other instead of failing.
create function support_app.ticket_weighs() returns trigger
    language plpgsql
as $weighs$
declare
    before_agent uuid;
    before_units integer := 0;
    after_agent uuid;
    after_units integer := 0;
    moved record;
begin
    if tg_op <> 'INSERT' then
        before_agent := old.assignee_id;
        before_units := support_app.open_units(old.channel, old.status, old.snoozed_until, old.archived_at,
                                               old.merged_into, old.is_spam, old.suspended_reason);
    end if;
    if tg_op <> 'DELETE' then
        after_agent := new.assignee_id;
        after_units := support_app.open_units(new.channel, new.status, new.snoozed_until, new.archived_at,
                                              new.merged_into, new.is_spam, new.suspended_reason);
    end if;
    for moved in
        select v.agent, sum(v.units)::integer as units
        from (values (before_agent, -before_units), (after_agent, after_units)) v (agent, units)
        where v.agent is not null
        group by v.agent having sum(v.units) <> 0
        order by v.agent
    loop
        update support_app.agent set load = load + moved.units where id = moved.agent;
    end loop;
    return null;
end
$weighs$;
create trigger ticket_weight_came after insert on support_app.ticket
    for each row when (new.assignee_id is not null) execute function support_app.ticket_weighs();
create trigger ticket_weight_went after delete on support_app.ticket
    for each row when (old.assignee_id is not null) execute function support_app.ticket_weighs();
create trigger ticket_weight_changed after update on support_app.ticket
    for each row when (
        (old.assignee_id, old.channel, old.status, old.snoozed_until, old.archived_at, old.merged_into, old.is_spam,
         old.suspended_reason)
        is distinct from
        (new.assignee_id, new.channel, new.status, new.snoozed_until, new.archived_at, new.merged_into, new.is_spam,
         new.suspended_reason))
    execute function support_app.ticket_weighs();

-- Whose a ticket was, why, and until when. `state` of the open row is that of the ticket; of a closed one how it ended.
create table support_app.assignment (
    id         uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    ticket_id  uuid not null references support_app.ticket (id) on delete cascade,
    agent_id   uuid not null references support_app.agent (id),
    reason     text not null,
    state      text not null default 'assigned',
    -- Who decided: agent:ID, key:ID, job:KIND, gorgias.
    decided_by text not null,
    -- What a person said of it.
    why        text,
    -- Every candidate of an automatic decision with the points that it got; of an override, what was exceeded.
    scores     jsonb,
    units      integer not null,
    from_at    timestamptz not null,
    until_at   timestamptz,
    -- What was said when it ended.
    end_why    text,
    constraint assignment_reason_known check (reason in
        ('manual', 'auto_routing', 'transfer', 'escalation', 'self_claimed', 'returning', 'offered_again')),
    constraint assignment_state_known check (state in
        ('assigned', 'accepted', 'in_progress', 'completed', 'transferred', 'unassigned')),
    constraint assignment_ends check ((until_at is null) = (state in ('assigned', 'accepted', 'in_progress')))
);
create unique index assignment_open_once on support_app.assignment (ticket_id) where until_at is null;
create index assignment_by_ticket on support_app.assignment (ticket_id, from_at desc, id desc);
create index assignment_by_agent on support_app.assignment (agent_id, from_at desc);

-- How a tenant's work is given out. Its row is also the turn: whoever gives out waiting tickets holds its lock, so that
-- they leave the queue in order.
create table support_app.routing (
    tenant_id           uuid primary key references shared.tenant (id),
    automatic           boolean not null default true,
    -- Whose work is offered again when an agent goes offline: none, waiting (a customer waits for an answer), all.
    offline_policy      text not null default 'waiting',
    offline_grace_secs  integer not null default 120,
    -- From this waiting time on a ticket goes also to agents without its skills.
    relax_skills_secs   integer not null default 600,
    -- An agent who has just arrived gets at most so many units at once, and as many again after each pause.
    newcomer_units      integer not null default 3,
    newcomer_every_secs integer not null default 20,
    -- Since when the managers know that tickets wait for which nobody has room; null while none does.
    told_at             timestamptz,
    constraint routing_policy_known check (offline_policy in ('none', 'waiting', 'all')),
    constraint routing_grace_range check (offline_grace_secs between 0 and 86400),
    constraint routing_relax_range check (relax_skills_secs between 0 and 604800),
    constraint routing_newcomer_units_range check (newcomer_units between 1 and 50),
    constraint routing_newcomer_every_range check (newcomer_every_secs between 1 and 3600)
);

-- The waiting queue in its order, and an agent's own.
create index ticket_waiting_in_order on support_app.ticket (tenant_id, rank desc, id)
    where status = 'open' and assignee_id is null and snoozed_until is null and archived_at is null
      and merged_into is null and not is_spam and suspended_reason is null;
create index ticket_of_agent_in_order on support_app.ticket (assignee_id, rank desc, id)
    where assignee_id is not null and status in ('open', 'pending') and archived_at is null;

-- Whoever becomes available counts as a newcomer for a while.
create function support_app.agent_arrives() returns trigger
    language plpgsql
as $arrives$
begin
    new.arrived_at := now();
    new.given_since_arrival := 0;
    return new;
end
$arrives$;
create trigger agent_arrival before update on support_app.agent
    for each row when (
        new.disabled_at is null and new.accepts_new and new.is_present and new.availability = 'online'
        and not (old.disabled_at is null and old.accepts_new and old.is_present and old.availability = 'online'))
    execute function support_app.agent_arrives();

create function support_app.agent_tells() returns trigger
    language plpgsql
as $tells$
begin
    perform support_app.emit(new.tenant_id, 'agent_status', null, new.id, jsonb_build_object(
        'availability', new.availability, 'is_present', new.is_present, 'accepts_new', new.accepts_new,
        'is_disabled', new.disabled_at is not null, 'load', new.load, 'capacity', new.capacity));
    return null;
end
$tells$;
create trigger agent_status after update on support_app.agent
    for each row when (
        (old.availability, old.is_present, old.accepts_new, old.disabled_at is null, old.capacity)
        is distinct from (new.availability, new.is_present, new.accepts_new, new.disabled_at is null, new.capacity))
    execute function support_app.agent_tells();
create trigger agent_news after insert on support_app.agent
    for each row execute function support_app.agent_tells();

do $policies$
declare
    name text;
begin
    foreach name in array array['assignment', 'routing'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;
grant select, insert, update on support_app.assignment, support_app.routing to desk_support;
