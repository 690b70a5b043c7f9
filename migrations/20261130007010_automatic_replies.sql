-- What a help desk's own rules and bots sent ("we got your mail") is nobody's answer.

-- As in 20261129004830_other_words, but that a message may say that a machine wrote it ("we got your mail"). As with mail, it
-- is kept and flagged: it is no answer and does not count, whatever the help desk counts.
create or replace function support_app.store_messages(tenant uuid, ticket uuid, messages jsonb, told_count integer)
    returns integer
    language plpgsql volatile
as $store$
declare
    target uuid;
    told jsonb;
    heard timestamptz;
    counted_now integer;
begin
    -- One after the other, so that the order in which messages are added is one that everybody sees.
    select coalesce(t.merged_into, t.id) into target from support_app.ticket t where t.id = ticket;
    perform from support_app.ticket t where t.id in (ticket, target) order by t.id for no key update;
    told := support_app.told_apart(tenant, ticket, messages);
    with added as (
        insert into support_app.message as m
            (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at,
             origin_ticket_id, by_machine)
        select distinct on (n.external_id) n.id, tenant, target, n.external_id, n.from_agent, n.internal, n.channel,
               n.sender_name, n.body_text, n.sent_at, nullif(ticket, target), coalesce(n.by_machine, false)
        from jsonb_to_recordset(told) as n (
            id uuid, external_id text, from_agent boolean, internal boolean, channel text, sender_name text,
            body_text text, sent_at timestamptz, by_machine boolean)
        -- What was split off is told of its former ticket again and again.
        where not exists (
            select from support_app.ticket s join support_app.message x
                on x.tenant_id = tenant and x.ticket_id = s.id and x.external_id = n.external_id
            where s.split_from in (ticket, target)
        )
        -- The same order in every transaction, so that two of them cannot wait for each other in a circle.
        order by n.external_id, n.body_text = ''
        on conflict (tenant_id, ticket_id, external_id) do update set
            body_text = case when m.body_text = '' then excluded.body_text else m.body_text end,
            by_machine = m.by_machine or excluded.by_machine
            -- What went out from here is known better here.
            where m.body_text = '' and excluded.body_text <> ''
               or excluded.by_machine and not m.by_machine and m.delivery is null
        returning m.from_agent, m.internal, m.by_machine, m.sent_at
    )
    select max(a.sent_at) into heard from added a where not a.from_agent and not a.internal and not a.by_machine;
    -- A ticket that came with these messages says what they say of it; changing it again would cost as much as adding it.
    update support_app.ticket t set message_count = said.message_count, last_message_at = said.last_message_at,
        agent_spoke_last = said.agent_spoke_last, status = said.status, snoozed_until = said.snoozed_until
    from (
        select greatest(k.message_count, counted.public,
                        coalesce(case when ticket = target then told_count - counted.apart end, 0)) as message_count,
               greatest(k.last_message_at, counted.last_at) as last_message_at,
               coalesce(counted.agent_last, k.agent_spoke_last) as agent_spoke_last,
               -- Messages from before the status are told late and say nothing about it.
               case when k.status in ('pending', 'resolved') and heard > k.status_since then 'open' else k.status end
                   as status,
               case when heard > k.status_since then null else k.snoozed_until end as snoozed_until
        from support_app.ticket k
        cross join (
            select count(*) filter (where not m.internal and not m.by_machine)::int as public,
                   count(*) filter (where m.internal or m.by_machine)::int as apart,
                   max(m.sent_at) filter (where not m.internal and not m.by_machine) as last_at,
                   (array_agg(m.from_agent order by m.sent_at desc)
                       filter (where not m.internal and not m.by_machine))[1] as agent_last
            from support_app.message m
            where m.tenant_id = tenant and m.ticket_id = target
              and (m.delivery is null or m.delivery in ('queued', 'sent'))
        ) counted
        where k.tenant_id = tenant and k.id = target
    ) said
    where t.tenant_id = tenant and t.id = target
      and (t.message_count, t.last_message_at, t.agent_spoke_last, t.status, t.snoozed_until)
          is distinct from
          (said.message_count, said.last_message_at, said.agent_spoke_last, said.status, said.snoozed_until)
    returning t.message_count into counted_now;
    if counted_now is null then
        select t.message_count into counted_now from support_app.ticket t where t.tenant_id = tenant and t.id = target;
    end if;
    return counted_now;
end
$store$;

-- As in 20261129001000_written_once, but for that.
create or replace function support_app.upsert_ticket(tenant uuid, ticket jsonb, messages jsonb default '[]')
    returns uuid
    language plpgsql volatile
as $upsert$
declare
    told record;
    found_id uuid;
    former uuid;
    first record;
    base_status text;
    base_tags text[];
begin
    perform set_config('desk.actor', coalesce(ticket ->> 'provider', 'desk'), true);
    select t.* into told from jsonb_to_record(ticket) as t (
        id uuid, provider text, external_id text, subject text, channel text, source text, status text, priority text,
        customer_id text, customer_external_id text, customer_email text, customer_name text, tags text[],
        external_updated_at timestamptz, customer_message text, customer_wrote_at timestamptz, assignee text,
        message_count integer);
    -- Of a ticket that nobody has heard of there is nothing to hold, to leave or to merge with.
    if exists (select from support_app.ticket t
               where t.tenant_id = tenant and t.provider = told.provider and t.external_id = told.external_id) then
        perform support_app.hold_told(tenant, told.provider, told.external_id);
        former := support_app.leave_final(tenant, told.provider, told.external_id, told.status,
                                          told.external_updated_at, told.customer_message, told.customer_wrote_at);
        -- Locked first, so that what both agreed on belongs to the row that is changed.
        select t.id into found_id from support_app.ticket t
        where t.tenant_id = tenant and t.provider = told.provider and t.external_id = told.external_id
        for no key update;
    end if;
    if found_id is not null then
        select b.status, b.tags into base_status, base_tags from support_app.help_desk_base b
        where b.ticket_id = found_id;
        -- What is known gives way only to what is not older; what the news leave out stays as it is.
        update support_app.ticket t set
            subject = coalesce(told.subject, t.subject),
            channel = coalesce(told.channel, t.channel),
            source = coalesce(told.source, t.source),
            status = support_app.merged_status(t.status, t.snoozed_until, base_status, told.status,
                                               t.merged_into is not null),
            -- Somebody woke it there.
            snoozed_until = case when support_app.coarse_status(told.status, null) = 'open' and base_status = 'closed'
                                 then null else t.snoozed_until end,
            priority = coalesce(told.priority, t.priority),
            customer_id = coalesce(told.customer_id, t.customer_id),
            customer_external_id = coalesce(told.customer_external_id, t.customer_external_id),
            customer_email = coalesce(told.customer_email, t.customer_email),
            customer_name = coalesce(told.customer_name, t.customer_name),
            tags = case when told.tags is null then t.tags
                        else support_app.merged_tags(t.tags, coalesce(base_tags, t.tags), told.tags) end,
            external_updated_at = coalesce(told.external_updated_at, t.external_updated_at),
            updated_at = now()
        where t.id = found_id
          and (t.external_updated_at is null or told.external_updated_at is null
               or t.external_updated_at <= told.external_updated_at);
        if found then
            perform support_app.agree(tenant, found_id, told.status, told.tags);
            perform support_app.hear_assignee(found_id, told.assignee);
        end if;
        return found_id;
    end if;
    -- What its first messages say of it, as store_messages counts them; of a follow-up some belong to its former ticket.
    select count(distinct n.external_id) filter (where not i.is_apart) as public,
           count(distinct n.external_id) filter (where i.is_apart) as apart,
           max(n.sent_at) filter (where not i.is_apart) as last_at,
           (array_agg(n.from_agent order by n.sent_at desc) filter (where not i.is_apart))[1] as agent_last
    into first
    from jsonb_to_recordset(messages) as n (
        external_id text, from_agent boolean, internal boolean, sent_at timestamptz, by_machine boolean)
    cross join lateral (select n.internal or coalesce(n.by_machine, false)) i (is_apart)
    where former is null;
    -- Two first messages at once: the second waits here and takes the first one's row, leaving it as it is.
    insert into support_app.ticket as t
        (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority, customer_id,
         customer_external_id, customer_email, customer_name, tags, external_updated_at, follow_up_of,
         message_count, last_message_at, agent_spoke_last)
    values (told.id, tenant, support_app.next_ticket_number(), told.provider, told.external_id, told.subject,
        coalesce(told.channel, 'unknown'), coalesce(told.source, 'unknown'), coalesce(told.status, 'open'),
        coalesce(told.priority, 'normal'), told.customer_id, told.customer_external_id, told.customer_email,
        told.customer_name, coalesce(told.tags, '{}'), told.external_updated_at, former,
        greatest(first.public, case when former is null then told.message_count - first.apart end),
        first.last_at, coalesce(first.agent_last, false))
    on conflict (tenant_id, provider, external_id) do update set updated_at = t.updated_at
    returning t.id into found_id;
    perform support_app.agree(tenant, found_id, coalesce(told.status, 'open'), coalesce(told.tags, '{}'));
    perform support_app.hear_assignee(found_id, told.assignee);
    return found_id;
end
$upsert$;

-- As in 20261130003000_new_tickets_cost_less, but for that.
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
                    greatest(s.public, k.message_count - s.apart), s.last_at, coalesce(s.agent_last, false)
                from own o
                join told k on k.id = o.ticket_id
                cross join lateral (
                    select count(*) filter (where not i.is_apart) as public,
                           count(*) filter (where i.is_apart) as apart,
                           max(n.sent_at) filter (where not i.is_apart) as last_at,
                           (array_agg(n.from_agent order by n.sent_at desc) filter (where not i.is_apart))[1]
                               as agent_last
                    from jsonb_to_recordset(messages[k.place]) as n (
                        from_agent boolean, internal boolean, sent_at timestamptz, by_machine boolean)
                    cross join lateral (select n.internal or coalesce(n.by_machine, false)) i (is_apart)
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
                     sent_at, by_machine)
                select n.id, shop, c.id, n.external_id, n.from_agent, n.internal, n.channel, n.sender_name,
                    n.body_text, n.sent_at, coalesce(n.by_machine, false)
                from came c
                join told k on k.id = c.id
                cross join lateral jsonb_to_recordset(messages[k.place]) as n (
                    id uuid, external_id text, from_agent boolean, internal boolean, channel text, sender_name text,
                    body_text text, sent_at timestamptz, by_machine boolean)
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
