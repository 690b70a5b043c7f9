-- What a delivery of a help desk costs. A new ticket is written once, with what its first messages say of it, and not
-- added and then changed; of one that nobody has heard of three looks are not taken. Events are numbered in a time that
-- grows with their number, not with its square. Two indexes were there twice.

drop function support_app.upsert_ticket(uuid, jsonb);
create function support_app.upsert_ticket(tenant uuid, ticket jsonb, messages jsonb default '[]')
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
    select count(distinct n.external_id) filter (where not n.internal) as public,
           count(distinct n.external_id) filter (where n.internal) as notes,
           max(n.sent_at) filter (where not n.internal) as last_at,
           (array_agg(n.from_agent order by n.sent_at desc) filter (where not n.internal))[1] as agent_last
    into first
    from jsonb_to_recordset(messages) as n (external_id text, from_agent boolean, internal boolean, sent_at timestamptz)
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
        greatest(first.public, case when former is null then told.message_count - first.notes end),
        first.last_at, coalesce(first.agent_last, false))
    on conflict (tenant_id, provider, external_id) do update set updated_at = t.updated_at
    returning t.id into found_id;
    perform support_app.agree(tenant, found_id, coalesce(told.status, 'open'), coalesce(told.tags, '{}'));
    perform support_app.hear_assignee(found_id, told.assignee);
    return found_id;
end
$upsert$;
revoke all on function support_app.upsert_ticket(uuid, jsonb, jsonb) from public;
grant execute on function support_app.upsert_ticket(uuid, jsonb, jsonb) to desk_support;

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
    perform from support_app.ticket t where t.id in (ticket, target) order by t.id for no key update;
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
    -- A ticket that came with these messages says what they say of it; changing it again would cost as much as adding it.
    update support_app.ticket t set message_count = said.message_count, last_message_at = said.last_message_at,
        agent_spoke_last = said.agent_spoke_last, status = said.status, snoozed_until = said.snoozed_until
    from (
        select greatest(k.message_count, counted.public,
                        coalesce(case when ticket = target then told_count - counted.notes end, 0)) as message_count,
               greatest(k.last_message_at, counted.last_at) as last_message_at,
               coalesce(counted.agent_last, k.agent_spoke_last) as agent_spoke_last,
               -- Messages from before the status are told late and say nothing about it.
               case when k.status in ('pending', 'resolved') and heard > k.status_since then 'open' else k.status end
                   as status,
               case when heard > k.status_since then null else k.snoozed_until end as snoozed_until
        from support_app.ticket k
        cross join (
            select count(*) filter (where not m.internal)::int as public,
                   count(*) filter (where m.internal)::int as notes,
                   max(m.sent_at) filter (where not m.internal) as last_at,
                   (array_agg(m.from_agent order by m.sent_at desc) filter (where not m.internal))[1] as agent_last
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

create or replace function support_app.take_in(tenant uuid, delivery jsonb, body jsonb, ticket jsonb, messages jsonb, job jsonb, out delivery_id uuid, out decision text, out skip_reason text, out ticket_id uuid, out job_id uuid, out is_new boolean)
    returns record
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
    ticket_id := support_app.upsert_ticket(tenant, ticket, messages);
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

create or replace function support_app.number_events(most integer) returns integer
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
        select t.*, row_number() over (partition by t.tenant_id order by t.id) as place,
               count(*) over (partition by t.tenant_id) as many
        from taken t
    ), heads as (
        insert into support_app.event_head as h (tenant_id, seq)
        select t.tenant_id, count(*) from taken t group by t.tenant_id order by t.tenant_id
        on conflict (tenant_id) do update set seq = h.seq + excluded.seq
        returning h.tenant_id, h.seq
    )
    insert into support_app.event (tenant_id, seq, kind, ticket_id, agent_id, payload, at)
    select c.tenant_id, h.seq - c.many + c.place, c.kind, c.ticket_id, c.agent_id, c.payload, c.at
    from counted c join heads h on h.tenant_id = c.tenant_id;
    get diagnostics moved = row_count;
    return moved;
end
$number$;

-- `ticket_by_merge` and `ticket_newest` serve what these did.
drop index support_app.ticket_by_pointer;
drop index support_app.ticket_by_creation;
