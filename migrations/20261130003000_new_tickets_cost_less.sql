-- What a delivery of a new ticket costs besides its rows. Much of it was paid for finding out that there is nothing to do:
-- whether a ticket was erased that this very statement adds, who listens where nobody does, which rules wait where none do.
-- Measured in Postgres, on an idle machine: 580 microseconds before and 490 after for a delivery that comes alone, 201 and
-- 145 for one of thirty-two.

-- At once and whole, so that nobody who has read tickets and means to write them waits for us while we wait for them. The
-- others come behind it, as whoever writes into them has met the ticket before.
lock table support_app.ticket in access exclusive mode;

-- While support_app.take_in_all writes tickets that nobody has heard of, nothing of them can have been erased, redacted
-- or told to a former ticket, so this is not asked for each row. It says so for that one statement, by `desk.told_first`;
-- whoever does not say it is asked as before.
create or replace trigger delivery_erased before insert on support_app.inbox
    for each row when (current_setting('desk.told_first', true) is distinct from 'yes')
    execute function support_app.delivery_stays_erased();
create or replace trigger message_erased before insert on support_app.message
    for each row when (current_setting('desk.told_first', true) is distinct from 'yes')
    execute function support_app.message_stays_erased();
create or replace trigger message_of_former before insert on support_app.message
    for each row when (new.external_id <> new.id::text
                       and current_setting('desk.told_first', true) is distinct from 'yes')
    execute function support_app.message_stays_with_former();
create or replace trigger base_erased before insert or update of tags on support_app.help_desk_base
    for each row when (current_setting('desk.told_first', true) is distinct from 'yes')
    execute function support_app.base_stays_erased();

-- As in 20261129001300_stored_together, 20261129001400_lists (tags_came, which was a trigger of its own) and
-- 20261129003400_tags_are_one; whether any rule waits is asked before the statement that writes for it.
create or replace function support_app.tickets_came() returns trigger
    language plpgsql
as $came$
declare
    acting text;
begin
    insert into support_app.event_pending (tenant_id, kind, ticket_id, agent_id, payload)
    select n.tenant_id, 'new_ticket', n.id, n.assignee_id, jsonb_build_object(
        'version', n.version, 'number', n.number, 'status', n.status, 'priority', n.priority, 'channel', n.channel)
    from added n;
    if exists (select from added n where n.tags <> '{}') then
        with counted as (
            insert into support_app.tag_delta (tenant_id, tag, delta)
            select n.tenant_id, g.tag, count(distinct n.id)
            from added n
            cross join lateral
                unnest(case when cardinality(n.tags) > 1 then support_app.tags_once(n.tags) else n.tags end) g (tag)
            group by n.tenant_id, g.tag
        )
        insert into support_app.ticket_tag (tenant_id, tag, created_at, ticket_id)
        select distinct n.tenant_id, g.tag, n.created_at, n.id
        from added n cross join lateral unnest(n.tags) g (tag)
        where octet_length(g.tag) <= 1024
        on conflict do nothing;
    end if;
    if exists (select from support_app.rule r
               where r.event = 'ticket_created' and r.is_on and r.archived_at is null
                 and r.tenant_id in (select a.tenant_id from added a)) then
        acting := support_app.acting_rule();
        insert into support_app.rule_cause (tenant_id, ticket_id, event, message_id, detail, by_rule, by_position)
        select n.tenant_id, n.id, 'ticket_created', null, '{}', split_part(acting, ':', 1)::uuid,
            split_part(acting, ':', 2)::integer
        -- Asked once a tenant; `offset 0` keeps the planner from asking for each ticket.
        from (select distinct a.tenant_id from added a offset 0) d
        join added n on n.tenant_id = d.tenant_id
        where support_app.rules_want(d.tenant_id, 'ticket_created');
    end if;
    return null;
end
$came$;
drop trigger ticket_tags_listed on support_app.ticket;
drop function support_app.tags_came();

-- As in 20261128002001_outbound_events; who listens is asked once a statement, before it.
create or replace function outbound.of_messages() returns trigger
    language plpgsql security definer
    set search_path to 'pg_catalog', 'pg_temp'
as $messages$
begin
    if not exists (select from outbound.endpoint e join added m on m.tenant_id = e.tenant_id where e.removed_at is null)
       and not exists (select from outbound.alert_rule r join added m on m.tenant_id = r.tenant_id) then
        return null;
    end if;
    insert into outbound.outbox (tenant_id, type, subject, data)
    select m.tenant_id, t.type, 'ticket:' || m.ticket_id, jsonb_build_object(
        'ticket_id', m.ticket_id, 'message_id', m.id, 'channel', m.channel, 'by_machine', m.by_machine)
    from added m
    cross join lateral (select case when m.internal then 'message.noted' else 'message.received' end as type) t
    where (m.internal or not m.from_agent) and outbound.listens(m.tenant_id, t.type)
    order by m.sent_at, m.id;
    return null;
end
$messages$;

-- As in 20261128002001_outbound_events, for all events of a statement.
create or replace function outbound.of_desk() returns trigger
    language plpgsql security definer
    set search_path to 'pg_catalog', 'pg_temp'
as $desk$
declare
    one record;
    ticket text;
    base jsonb;
    changed jsonb;
begin
    -- A help desk that is busy and has nobody who listens pays for this alone.
    if not exists (select from added a join outbound.endpoint e on e.tenant_id = a.tenant_id where e.removed_at is null)
       and not exists (select from added a join outbound.alert_rule r on r.tenant_id = a.tenant_id) then
        return null;
    end if;
    for one in select a.* from added a order by a.id loop
        ticket := 'ticket:' || coalesce(one.ticket_id::text, 'none');
        base := jsonb_build_object('ticket_id', one.ticket_id);
        changed := coalesce(one.payload -> 'changed', '[]');
        case one.kind
            when 'new_ticket' then
                perform outbound.note(one.tenant_id, 'ticket.created', ticket, base || one.payload);
            when 'ticket_update' then
                perform outbound.note(one.tenant_id, 'ticket.updated', ticket, base || one.payload);
                if changed ? 'status' then
                    perform outbound.note(one.tenant_id, 'ticket.status_changed', ticket, base || jsonb_build_object(
                        'status', one.payload -> 'status', 'version', one.payload -> 'version'));
                end if;
                if changed ?| array['assignee_id', 'assignment_state'] then
                    perform outbound.note(one.tenant_id, 'assignment.changed', ticket, base || jsonb_build_object(
                        'assignee_id', one.payload -> 'assignee_id', 'version', one.payload -> 'version'));
                end if;
            when 'ticket_rated' then
                perform outbound.note(one.tenant_id, 'ticket.rated', ticket, base || jsonb_build_object(
                    'score', one.payload -> 'score', 'source', one.payload -> 'source'));
            when 'reply_sent' then
                perform outbound.note(one.tenant_id, 'message.sent', ticket, base || jsonb_build_object(
                    'message_id', one.payload -> 'message_id'));
            when 'reply_failed' then
                perform outbound.note(one.tenant_id, 'message.failed', ticket, base || jsonb_build_object(
                    'message_id', one.payload -> 'message_id'));
            when 'sla_warning' then
                perform outbound.note(one.tenant_id, 'sla.at_risk', ticket, base || jsonb_build_object(
                    'number', one.payload -> 'number', 'clock', one.payload -> 'clock', 'due_at', one.payload -> 'due_at'));
            when 'sla_breach' then
                perform outbound.note(one.tenant_id, 'sla.breached', ticket, base || jsonb_build_object(
                    'number', one.payload -> 'number', 'clock', one.payload -> 'clock', 'due_at', one.payload -> 'due_at'));
            else
                null;
        end case;
        if one.payload ->> 'priority' = 'urgent' and (one.kind = 'new_ticket' or changed ? 'priority') then
            perform outbound.note(one.tenant_id, 'ticket.urgent', ticket, base || jsonb_build_object(
                'version', one.payload -> 'version', 'status', one.payload -> 'status'));
        end if;
    end loop;
    return null;
end
$desk$;
create or replace trigger outbound_event after insert on support_app.event_pending
    referencing new table as added for each statement execute function outbound.of_desk();

-- As in 20261129001300_stored_together; what new tickets need is one statement but for their jobs. Each statement within a
-- function costs some twenty microseconds before its first row, and a delivery's ticket was read out of its document by
-- each of them.
create or replace function support_app.take_in_all(
    tenants uuid[], deliveries jsonb[], bodies jsonb[], tickets jsonb[], messages jsonb[], jobs jsonb[], settles jsonb[])
    returns table (place integer, delivery_id uuid, decision text, skip_reason text, ticket_id uuid, job_id uuid,
                   is_new boolean, settle_job uuid)
    language plpgsql volatile
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
as $take_in_all$
declare
    shops uuid[] := case when tenants[1] = all (tenants) then tenants[1:1]
                         else array(select distinct u.tenant from unnest(tenants) u (tenant) order by u.tenant) end;
    shop uuid;
    ignored text;
    first integer[];
    claimed integer[];
    written integer[];
    drafting jsonb[];
    settling jsonb[];
begin
    foreach shop in array shops loop
        ignored := set_config('desk.tenant_id', shop::text, true);
        first := support_app.first_told(shop, tenants, deliveries, tickets, messages);
        claimed := '{}';
        written := '{}';

        if cardinality(first) > 0 then
            -- For the triggers of this statement alone.
            ignored := set_config('desk.told_first', 'yes', true);
            with told as materialized (
                select f.place, k.*
                from unnest(first) f (place)
                cross join lateral jsonb_to_record(tickets[f.place]) as k (
                    id uuid, provider text, external_id text, subject text, channel text, source text, status text,
                    priority text, customer_id text, customer_external_id text, customer_email text,
                    customer_name text, tags text[], external_updated_at timestamptz, message_count integer,
                    assignee text)
            ), own as (
                -- Claimed first, which settles races, and written as they will most likely stay.
                insert into support_app.inbox as i
                    (id, tenant_id, provider, dedup_key, event_type, body, decision, skip_reason, ticket_id, job_id,
                     correlation_id, remarks)
                select d.id, shop, d.provider,
                    d.dedup_key || case when d.repeated_within_secs is null then '' else '@first' end, d.event_type,
                    bodies[k.place], d.decision, d.skip_reason, k.id, (jobs[k.place] ->> 'id')::uuid,
                    d.correlation_id, d.remarks
                from told k
                cross join lateral jsonb_to_record(deliveries[k.place]) as d (
                    id uuid, provider text, dedup_key text, event_type text, decision text, skip_reason text,
                    correlation_id text, repeated_within_secs double precision, remarks jsonb)
                order by k.place
                on conflict do nothing
                returning i.ticket_id
            ), came as (
                -- As upsert_ticket adds a ticket. One that somebody else adds at this moment is waited for and left out.
                -- The order makes all deliveries be claimed before.
                insert into support_app.ticket as t
                    (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority,
                     customer_id, customer_external_id, customer_email, customer_name, tags, external_updated_at,
                     message_count, last_message_at, agent_spoke_last)
                select k.id, shop, support_app.next_ticket_number(), k.provider, k.external_id, k.subject,
                    coalesce(k.channel, 'unknown'), coalesce(k.source, 'unknown'), coalesce(k.status, 'open'),
                    coalesce(k.priority, 'normal'), k.customer_id, k.customer_external_id, k.customer_email,
                    k.customer_name, coalesce(k.tags, '{}'), k.external_updated_at,
                    greatest(s.public, k.message_count - s.notes), s.last_at, coalesce(s.agent_last, false)
                from own o
                join told k on k.id = o.ticket_id
                cross join lateral (
                    select count(*) filter (where not n.internal) as public,
                           count(*) filter (where n.internal) as notes,
                           max(n.sent_at) filter (where not n.internal) as last_at,
                           (array_agg(n.from_agent order by n.sent_at desc) filter (where not n.internal))[1]
                               as agent_last
                    from jsonb_to_recordset(messages[k.place]) as n (
                        from_agent boolean, internal boolean, sent_at timestamptz)
                ) s
                order by k.place
                on conflict (tenant_id, provider, external_id) do nothing
                returning t.id, t.message_count, t.version
            ), agreed as (
                -- As agree and hear_assignee write what both sides have agreed on, which begins with nobody.
                insert into support_app.help_desk_base (ticket_id, tenant_id, status, tags, assignee_told)
                select k.id, shop, support_app.coarse_status(coalesce(k.status, 'open'), null),
                    coalesce(k.tags, '{}'), nullif(k.assignee, '')
                from came c join told k on k.id = c.id
            ), said as (
                insert into support_app.message
                    (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text,
                     sent_at)
                select n.id, shop, c.id, n.external_id, n.from_agent, n.internal, n.channel, n.sender_name,
                    n.body_text, n.sent_at
                from came c
                join told k on k.id = c.id
                cross join lateral jsonb_to_recordset(messages[k.place]) as n (
                    id uuid, external_id text, from_agent boolean, internal boolean, channel text, sender_name text,
                    body_text text, sent_at timestamptz)
                order by k.place, n.external_id
            )
            select coalesce(array_agg(k.place), '{}'),
                   coalesce(array_agg(k.place) filter (where c.id is not null), '{}'),
                   array_agg(jobs[k.place] || jsonb_build_object(
                       'dedup_key', k.id || ':' || c.message_count,
                       'payload', (jobs[k.place] -> 'payload') || jsonb_build_object('ticket_id', k.id)))
                       filter (where c.id is not null and jobs[k.place] is not null),
                   array_agg(settles[k.place] || jsonb_build_object(
                       'dedup_key', k.id || ':' || c.version,
                       'payload', (settles[k.place] -> 'payload') || jsonb_build_object('ticket_id', k.id)))
                       filter (where c.id is not null)
            into claimed, written, drafting, settling
            from own o
            join told k on k.id = o.ticket_id
            left join came c on c.id = k.id;
            ignored := set_config('desk.told_first', '', true);

            -- Nobody can have asked for jobs of tickets that were not there. If somebody has, each goes for itself.
            if cardinality(jobs.enqueue_all(drafting || settling)) < cardinality(drafting || settling) then
                raise exception 'jobs of new tickets were there before' using errcode = 'serialization_failure';
            end if;

            return query
                select f.place, (deliveries[f.place] ->> 'id')::uuid, deliveries[f.place] ->> 'decision',
                    deliveries[f.place] ->> 'skip_reason', (tickets[f.place] ->> 'id')::uuid,
                    (jobs[f.place] ->> 'id')::uuid, true, (settles[f.place] ->> 'id')::uuid
                from unnest(written) f (place);
        end if;

        -- What each of the others does depends on more than itself.
        if cardinality(written) < cardinality(tenants) then
            for place in
                select a.place::integer from unnest(tenants) with ordinality a (tenant, place)
                where a.tenant = shop and a.place <> all (written)
                order by a.place
            loop
                is_new := true;
                if place = any (claimed) then
                    delivery_id := (deliveries[place] ->> 'id')::uuid;
                    select f.decision, f.skip_reason, f.ticket_id, f.job_id into decision, skip_reason, ticket_id, job_id
                    from support_app.follow_delivery(
                        shop, delivery_id, deliveries[place] ->> 'decision', deliveries[place] ->> 'skip_reason',
                        deliveries[place] -> 'unless_tagged', (tickets[place] ->> 'id')::uuid, tickets[place],
                        messages[place], jobs[place]) f;
                else
                    select t.delivery_id, t.decision, t.skip_reason, t.ticket_id, t.job_id, t.is_new
                    into delivery_id, decision, skip_reason, ticket_id, job_id, is_new
                    from support_app.take_in(shop, deliveries[place], bodies[place], tickets[place], messages[place],
                                             jobs[place]) t;
                end if;
                settle_job := support_app.settle_later(ticket_id, is_new, settles[place]);
                return next;
            end loop;
        end if;
    end loop;
end
$take_in_all$;
