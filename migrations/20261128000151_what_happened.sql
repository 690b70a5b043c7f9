-- A delivery is known by what happened, and not by the message that it is about; what it does not mention stays; and
-- what did not fit in it is kept beside it, so that the tenant can see it.
--
-- The functions are those of 20261128000050 with these differences, and take what the program of before tells as well:
-- its documents have none of the new fields, and then nothing is different.

-- Null: all was understood. Otherwise a list of {field, problem}.
alter table support_app.inbox add column remarks jsonb;

-- Source and tags that the help desk does not mention stay as they are.
create or replace function support_app.upsert_ticket(tenant uuid, ticket jsonb) returns uuid
    language plpgsql volatile
as $upsert$
declare
    told record;
    found_id uuid;
begin
    select t.* into told from jsonb_to_record(ticket) as t (
        id uuid, provider text, external_id text, subject text, channel text, source text, status text, priority text,
        customer_id text, customer_external_id text, customer_email text, customer_name text, tags text[],
        external_updated_at timestamptz);
    -- What is known gives way only to what is not older; what the news leave out stays as it is.
    update support_app.ticket t set
        subject = coalesce(told.subject, t.subject),
        channel = coalesce(told.channel, t.channel),
        source = coalesce(told.source, t.source),
        status = coalesce(told.status, t.status),
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

-- A message that was told of without its text gets the text when it is told.
create or replace function support_app.store_messages(tenant uuid, ticket uuid, messages jsonb, told_count integer)
    returns integer
    language plpgsql volatile
as $store$
declare
    counted_now integer;
begin
    insert into support_app.message as m
        (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at)
    select n.id, tenant, ticket, n.external_id, n.from_agent, n.internal, n.channel, n.sender_name, n.body_text,
           n.sent_at
    from jsonb_to_recordset(messages) as n (
        id uuid, external_id text, from_agent boolean, internal boolean, channel text, sender_name text,
        body_text text, sent_at timestamptz)
    -- The same order in every transaction, so that two of them cannot wait for each other in a circle.
    order by n.external_id
    on conflict (tenant_id, ticket_id, external_id) do update set body_text = excluded.body_text
        where m.body_text = '' and excluded.body_text <> '';
    update support_app.ticket t set
        message_count = greatest(t.message_count, counted.public, coalesce(told_count - counted.notes, 0)),
        last_message_at = greatest(t.last_message_at, counted.last_at),
        agent_spoke_last = coalesce(counted.agent_last, t.agent_spoke_last)
    from (
        select count(*) filter (where not m.internal)::int as public,
               count(*) filter (where m.internal)::int as notes,
               max(m.sent_at) filter (where not m.internal) as last_at,
               (array_agg(m.from_agent order by m.sent_at desc) filter (where not m.internal))[1] as agent_last
        from support_app.message m
        where m.tenant_id = tenant and m.ticket_id = ticket
    ) counted
    where t.tenant_id = tenant and t.id = ticket
    returning t.message_count into counted_now;
    return counted_now;
end
$store$;

-- With delivery.repeated_within_secs the delivery is the same as an equal one only for that long, and only while nothing
-- else is told of its ticket. With delivery.unless_tagged no draft is made for a ticket that is known to be tagged so.
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
    -- Tags that this delivery does not mention are those that are known.
    if job is not null and told.unless_tagged is not null and exists (
        select from support_app.ticket t where t.id = take_in.ticket_id
          and array(select lower(tag) from unnest(t.tags) tag)
              && array(select jsonb_array_elements_text(told.unless_tagged -> 'forbidding'))
          and not array(select lower(tag) from unnest(t.tags) tag)
              && array(select jsonb_array_elements_text(told.unless_tagged -> 'forcing'))
    ) then
        decision := 'skipped';
        skip_reason := told.unless_tagged ->> 'skip_reason';
    elsif job is not null then
        select e.job_id into job_id from jobs.enqueue_one(job || jsonb_build_object(
            'dedup_key', ticket_id || ':' || message_count,
            'payload', (job -> 'payload') || jsonb_build_object('ticket_id', ticket_id))) e;
    end if;
    if ticket_id <> likely_ticket or job_id is distinct from likely_job then
        update support_app.inbox i set decision = take_in.decision, skip_reason = take_in.skip_reason,
            ticket_id = take_in.ticket_id, job_id = take_in.job_id
        where i.id = take_in.delivery_id;
    end if;
end
$take_in$;
