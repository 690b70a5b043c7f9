-- Deliveries that come together are stored together. Those that tell of a ticket nobody has heard of, which is most of
-- a flood, share one statement for each table, so what a statement costs before its first row (opening a ticket's
-- indexes, reading its checks and triggers) is paid once for all of them. Everything else goes one by one, as before.

-- Jobs asked for together within a function, as jobs.enqueue_one takes each; but one whose dedup key an unfinished job
-- has is left out. Answers the ids that went in.
create function jobs.enqueue_all(wanted jsonb[]) returns uuid[]
    language plpgsql volatile
as $enqueue$
declare
    entered uuid[];
begin
    with input as (
        -- By the ledger's clock, as the caller's may be wrong.
        select j.*, case when j.run_at > clock_timestamp() then j.run_at
                         when j.delay_secs > 0 then clock_timestamp() + make_interval(secs => j.delay_secs) end as due_at
        from unnest(wanted) with ordinality w (document, place)
        cross join lateral jsonb_to_record(w.document) as j (
            id uuid, tenant_id uuid, kind text, queue text, priority smallint, max_attempts smallint,
            run_at timestamptz, delay_secs double precision, payload_version smallint, payload jsonb, dedup_key text,
            concurrency_key text, concurrency_limit smallint, correlation_id text, trace_parent text, origin text,
            parent_id uuid)
    ), inserted as (
        insert into jobs.live (id, tenant_id, kind, queue, priority, state, max_attempts, run_at, due_at,
            payload_version, payload, dedup_key, concurrency_key, concurrency_limit, correlation_id, trace_parent,
            origin, parent_id)
        select i.id, i.tenant_id, i.kind, i.queue, i.priority,
            case when i.due_at is null then 'ready'::jobs.state else 'scheduled'::jobs.state end,
            i.max_attempts, coalesce(i.due_at, now()), i.due_at, i.payload_version, i.payload, i.dedup_key,
            i.concurrency_key, i.concurrency_limit, i.correlation_id, i.trace_parent, i.origin, i.parent_id
        from input i
        on conflict (tenant_id, kind, dedup_key) where dedup_key is not null do nothing
        returning id, queue, kind, state
    ), counted as (
        -- the books: so many came into being
        insert into jobs.transition (queue, kind, from_state, to_state, n)
        select i.queue, i.kind, null, i.state, count(*) from inserted i group by i.queue, i.kind, i.state
    )
    select array_agg(i.id) into entered from inserted i;
    return coalesce(entered, '{}');
end
$enqueue$;

-- What a claimed delivery does to its ticket, messages and job. Its row in the inbox was written with the ticket and the
-- job that it most likely has, and is put right where they are others.
create function support_app.follow_delivery(
    tenant uuid, delivery_id uuid, told_decision text, told_reason text, unless_tagged jsonb, likely_ticket uuid,
    ticket jsonb, messages jsonb, job jsonb,
    out decision text, out skip_reason text, out ticket_id uuid, out job_id uuid)
    returns record
    language plpgsql volatile
as $follow$
declare
    message_count integer;
    current_id uuid;
begin
    decision := told_decision;
    skip_reason := told_reason;
    ticket_id := support_app.upsert_ticket(tenant, ticket, messages);
    message_count := support_app.store_messages(tenant, ticket_id, messages, (ticket ->> 'message_count')::integer);
    current_id := support_app.current_ticket(ticket_id);
    -- Tags that this delivery does not mention are those that are known.
    if job is not null and unless_tagged is not null and exists (
        select from support_app.ticket t where t.id = current_id
          and array(select lower(tag) from unnest(t.tags) tag)
              && array(select jsonb_array_elements_text(unless_tagged -> 'forbidding'))
          and not array(select lower(tag) from unnest(t.tags) tag)
              && array(select jsonb_array_elements_text(unless_tagged -> 'forcing'))
    ) then
        decision := 'skipped';
        skip_reason := unless_tagged ->> 'skip_reason';
    elsif job is not null then
        select e.job_id into job_id from jobs.enqueue_one(job || jsonb_build_object(
            'dedup_key', current_id || ':' || message_count,
            'payload', (job -> 'payload') || jsonb_build_object('ticket_id', current_id))) e;
    end if;
    if ticket_id <> likely_ticket or job_id is distinct from (job ->> 'id')::uuid then
        update support_app.inbox i set decision = follow_delivery.decision, skip_reason = follow_delivery.skip_reason,
            ticket_id = follow_delivery.ticket_id, job_id = follow_delivery.job_id
        where i.id = follow_delivery.delivery_id;
    end if;
end
$follow$;

create or replace function support_app.take_in(tenant uuid, delivery jsonb, body jsonb, ticket jsonb, messages jsonb, job jsonb, out delivery_id uuid, out decision text, out skip_reason text, out ticket_id uuid, out job_id uuid, out is_new boolean)
    returns record
    language plpgsql volatile
as $take_in$
declare
    told record;
    likely_ticket uuid;
    last_id uuid;
    last_key text;
    last_at timestamptz;
    identity text;
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
        likely_ticket, (job ->> 'id')::uuid, told.correlation_id, told.replay_of, told.remarks)
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
    select f.decision, f.skip_reason, f.ticket_id, f.job_id into decision, skip_reason, ticket_id, job_id
    from support_app.follow_delivery(tenant, delivery_id, told.decision, told.skip_reason, told.unless_tagged,
                                     likely_ticket, ticket, messages, job) f;
end
$take_in$;

-- Which of a tenant's deliveries (places in the arrays) tell of a ticket that nobody has heard of, the first of each
-- ticket; without those whose outcome depends on more than themselves.
create function support_app.first_told(
    tenant uuid, tenants uuid[], deliveries jsonb[], tickets jsonb[], messages jsonb[]) returns integer[]
    language plpgsql volatile
as $first$
begin
    return array(
        select c.place
        from (
            select a.place::integer, a.delivery, a.ticket, a.messages, row_number() over (
                partition by a.delivery ->> 'provider', a.ticket ->> 'external_id' order by a.place) as nth
            from unnest(tenants, deliveries, tickets, messages)
                with ordinality a (tenant, delivery, ticket, messages, place)
            where a.tenant = first_told.tenant
        ) c
        where c.nth = 1
          -- A sub-select and no join, so that each is looked up by itself.
          and (select t.id from support_app.ticket t
               where t.tenant_id = first_told.tenant and t.provider = c.delivery ->> 'provider'
                 and t.external_id = c.ticket ->> 'external_id') is null
          and c.delivery ->> 'replay_of' is null
          and c.delivery ->> 'provider' = c.ticket ->> 'provider'
          -- Tags that are known decide, where none are told: there are none yet.
          and (c.delivery -> 'unless_tagged' is null or c.delivery -> 'unless_tagged' = 'null'
               or c.ticket ->> 'tags' is null)
          -- A message that is newer than the status opens the ticket again.
          and not (coalesce(c.ticket ->> 'status', '') in ('pending', 'resolved') and exists (
              select from jsonb_to_recordset(c.messages) n (from_agent boolean, internal boolean, sent_at timestamptz)
              where not n.from_agent and not n.internal and n.sent_at > now()))
        order by c.place);
end
$first$;

-- Takes many deliveries in, with the same outcome as support_app.take_in and support_app.settle_later for each, in the
-- order of their places; the caller has them in the order in which tickets are locked: by tenant and by the help desk's
-- id of the ticket. One plan for any number of deliveries, and none that reads a table from its beginning because it is
-- small today.
create function support_app.take_in_all(
    tenants uuid[], deliveries jsonb[], bodies jsonb[], tickets jsonb[], messages jsonb[], jobs jsonb[], settles jsonb[])
    returns table (place integer, delivery_id uuid, decision text, skip_reason text, ticket_id uuid, job_id uuid,
                   is_new boolean, settle_job uuid)
    language plpgsql volatile
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off
as $take_in_all$
declare
    shop uuid;
    first integer[];
    claimed integer[];
    written integer[];
    counts integer[];
    versions bigint[];
    wanted jsonb[];
begin
    for shop in select distinct u.tenant from unnest(tenants) u (tenant) order by u.tenant loop
        perform set_config('desk.tenant_id', shop::text, true);
        first := support_app.first_told(shop, tenants, deliveries, tickets, messages);
        claimed := '{}';
        written := '{}';

        if cardinality(first) > 0 then
            -- Claimed first, which settles races, and written as they will most likely stay.
            with own as (
                insert into support_app.inbox as i
                    (id, tenant_id, provider, dedup_key, event_type, body, decision, skip_reason, ticket_id, job_id,
                     correlation_id, remarks)
                select d.id, shop, d.provider,
                    d.dedup_key || case when d.repeated_within_secs is null then '' else '@first' end, d.event_type,
                    bodies[f.place], d.decision, d.skip_reason, (tickets[f.place] ->> 'id')::uuid,
                    (jobs[f.place] ->> 'id')::uuid, d.correlation_id, d.remarks
                from unnest(first) f (place)
                cross join lateral jsonb_to_record(deliveries[f.place]) as d (
                    id uuid, provider text, dedup_key text, event_type text, decision text, skip_reason text,
                    correlation_id text, repeated_within_secs double precision, remarks jsonb)
                order by f.place
                on conflict do nothing
                returning i.id
            )
            select coalesce(array_agg(f.place order by f.place), '{}') into claimed
            from unnest(first) f (place) join own o on o.id = (deliveries[f.place] ->> 'id')::uuid;

            -- As upsert_ticket adds a ticket. One that somebody else adds at this moment is waited for and left out.
            with came as (
                insert into support_app.ticket as t
                    (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority,
                     customer_id, customer_external_id, customer_email, customer_name, tags, external_updated_at,
                     message_count, last_message_at, agent_spoke_last)
                select k.id, shop, support_app.next_ticket_number(), k.provider, k.external_id, k.subject,
                    coalesce(k.channel, 'unknown'), coalesce(k.source, 'unknown'), coalesce(k.status, 'open'),
                    coalesce(k.priority, 'normal'), k.customer_id, k.customer_external_id, k.customer_email,
                    k.customer_name, coalesce(k.tags, '{}'), k.external_updated_at,
                    greatest(s.public, k.message_count - s.notes), s.last_at, coalesce(s.agent_last, false)
                from unnest(claimed) f (place)
                cross join lateral jsonb_to_record(tickets[f.place]) as k (
                    id uuid, provider text, external_id text, subject text, channel text, source text, status text,
                    priority text, customer_id text, customer_external_id text, customer_email text,
                    customer_name text, tags text[], external_updated_at timestamptz, message_count integer)
                cross join lateral (
                    select count(*) filter (where not n.internal) as public,
                           count(*) filter (where n.internal) as notes,
                           max(n.sent_at) filter (where not n.internal) as last_at,
                           (array_agg(n.from_agent order by n.sent_at desc) filter (where not n.internal))[1]
                               as agent_last
                    from jsonb_to_recordset(messages[f.place]) as n (
                        from_agent boolean, internal boolean, sent_at timestamptz)
                ) s
                order by f.place
                on conflict (tenant_id, provider, external_id) do nothing
                returning t.id, t.message_count, t.version
            )
            select coalesce(array_agg(f.place order by f.place), '{}'), array_agg(c.message_count order by f.place),
                   array_agg(c.version order by f.place)
            into written, counts, versions
            from unnest(claimed) f (place) join came c on c.id = (tickets[f.place] ->> 'id')::uuid;

            -- As agree and hear_assignee write what both sides have agreed on, which begins with nobody.
            insert into support_app.help_desk_base (ticket_id, tenant_id, status, tags, assignee_told)
            select k.id, shop, support_app.coarse_status(coalesce(k.status, 'open'), null), coalesce(k.tags, '{}'),
                nullif(k.assignee, '')
            from unnest(written) f (place)
            cross join lateral jsonb_to_record(tickets[f.place]) as k (
                id uuid, status text, tags text[], assignee text);

            insert into support_app.message
                (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at)
            select n.id, shop, (tickets[f.place] ->> 'id')::uuid, n.external_id, n.from_agent, n.internal, n.channel,
                n.sender_name, n.body_text, n.sent_at
            from unnest(written) f (place)
            cross join lateral jsonb_to_recordset(messages[f.place]) as n (
                id uuid, external_id text, from_agent boolean, internal boolean, channel text, sender_name text,
                body_text text, sent_at timestamptz)
            order by f.place, n.external_id;

            select array_agg(j.document || jsonb_build_object(
                'dedup_key', (tickets[f.place] ->> 'id') || ':' || j.mark,
                'payload', (j.document -> 'payload') || jsonb_build_object('ticket_id', tickets[f.place] ->> 'id')))
            into wanted
            from unnest(written, counts, versions) f (place, message_count, version)
            cross join lateral (values (jobs[f.place], f.message_count::text), (settles[f.place], f.version::text))
                j (document, mark)
            where j.document is not null;
            -- Nobody can have asked for jobs of tickets that were not there. If somebody has, each goes for itself.
            if cardinality(jobs.enqueue_all(wanted)) < cardinality(wanted) then
                raise exception 'jobs of new tickets were there before' using errcode = 'serialization_failure';
            end if;

            return query
                select f.place, (deliveries[f.place] ->> 'id')::uuid, deliveries[f.place] ->> 'decision',
                    deliveries[f.place] ->> 'skip_reason', (tickets[f.place] ->> 'id')::uuid,
                    (jobs[f.place] ->> 'id')::uuid, true, (settles[f.place] ->> 'id')::uuid
                from unnest(written) f (place);
        end if;

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
    end loop;
end
$take_in_all$;

revoke all on function
    jobs.enqueue_all(jsonb[]),
    support_app.follow_delivery(uuid, uuid, text, text, jsonb, uuid, jsonb, jsonb, jsonb),
    support_app.first_told(uuid, uuid[], jsonb[], jsonb[], jsonb[]),
    support_app.take_in_all(uuid[], jsonb[], jsonb[], jsonb[], jsonb[], jsonb[], jsonb[])
from public;
grant execute on function
    jobs.enqueue_all(jsonb[]),
    support_app.follow_delivery(uuid, uuid, text, text, jsonb, uuid, jsonb, jsonb, jsonb),
    support_app.first_told(uuid, uuid[], jsonb[], jsonb[], jsonb[]),
    support_app.take_in_all(uuid[], jsonb[], jsonb[], jsonb[], jsonb[], jsonb[], jsonb[])
to desk_support;

-- What a new ticket means for events, rules and tags is written once for all tickets of a statement.
create function support_app.tickets_came() returns trigger
    language plpgsql
as $came$
declare
    acting text := support_app.acting_rule();
begin
    insert into support_app.event_pending (tenant_id, kind, ticket_id, agent_id, payload)
    select n.tenant_id, 'new_ticket', n.id, n.assignee_id, jsonb_build_object(
        'version', n.version, 'number', n.number, 'status', n.status, 'priority', n.priority, 'channel', n.channel)
    from added n;
    insert into support_app.rule_cause (tenant_id, ticket_id, event, message_id, detail, by_rule, by_position)
    select n.tenant_id, n.id, 'ticket_created', null, '{}', split_part(acting, ':', 1)::uuid,
        split_part(acting, ':', 2)::integer
    -- Asked once a tenant; `offset 0` keeps the planner from asking for each ticket.
    from (select distinct a.tenant_id from added a offset 0) d
    join added n on n.tenant_id = d.tenant_id
    where support_app.rules_want(d.tenant_id, 'ticket_created');
    insert into support_app.tag_delta (tenant_id, tag, delta)
    select n.tenant_id, g.tag, count(distinct n.id)
    from added n cross join lateral unnest(n.tags) g (tag)
    group by n.tenant_id, g.tag;
    return null;
end
$came$;
drop trigger ticket_news on support_app.ticket;
drop trigger ticket_rules_created on support_app.ticket;
drop trigger ticket_tags_came on support_app.ticket;
create trigger ticket_came after insert on support_app.ticket
    referencing new table as added
    for each statement execute function support_app.tickets_came();
drop function support_app.ticket_came();
drop function support_app.ticket_came_for_rules();

-- In a language whose statements are planned once a session: each delivery for a known ticket asks this.
create or replace function support_app.merged_tags(ours text[], base text[], theirs text[]) returns text[]
    language plpgsql immutable
as $merged$
begin
    return (
        select coalesce(array_agg(y.tag order by y.place), '{}'::text[])
        from (
            select x.tag, min(x.place) as place
            from (
                select u.tag, u.place from unnest(merged_tags.theirs) with ordinality u (tag, place)
                where not u.tag = any (merged_tags.base) or u.tag = any (merged_tags.ours)
                union all
                select u.tag, 100000 + u.place from unnest(merged_tags.ours) with ordinality u (tag, place)
                where not u.tag = any (merged_tags.base)
            ) x
            group by x.tag
        ) y
    );
end
$merged$;
