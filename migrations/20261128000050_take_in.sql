-- A delivery of the help desk is taken in by one call, and so by one round trip: inbox row, ticket, messages, and the
-- job that drafts a reply. Before, the program sent seven statements, and each waited for its turn on a busy machine.
--
-- The functions run with the caller's rights, so grants and row policies hold inside them as for any statement of the
-- role desk_support. They are plpgsql because plpgsql keeps the plans of its statements, and because each statement
-- sees what others committed before it began: a repetition waits for the first delivery and then finds its row.
-- What is told comes as documents: a field that one side does not know is null or ignored, so that a program and a
-- schema of different age understand each other.

-- Puts one job into the ledger; the document has the columns of jobs.live by name. When an unfinished job of the same
-- dedup key stands in the way, that one stands in for it. Does for one job what the program's statement does for many.
create function jobs.enqueue_one(job jsonb, out job_id uuid, out is_new boolean)
    language plpgsql volatile
as $enqueue$
declare
    wanted record;
    due_at timestamptz;
begin
    select j.* into wanted from jsonb_to_record(job) as j (
        id uuid, tenant_id uuid, kind text, queue text, priority smallint, max_attempts smallint, run_at timestamptz,
        delay_secs double precision, payload_version smallint, payload jsonb, dedup_key text, concurrency_key text,
        concurrency_limit smallint, correlation_id text, trace_parent text, origin text, parent_id uuid);
    -- By the ledger's clock, as the caller's may be wrong.
    if wanted.run_at > clock_timestamp() then
        due_at := wanted.run_at;
    elsif wanted.delay_secs > 0 then
        due_at := clock_timestamp() + make_interval(secs => wanted.delay_secs);
    end if;
    -- A second round is needed only when the job that stood in the way ended in this very moment.
    for round in 1..5 loop
        with inserted as (
            insert into jobs.live (id, tenant_id, kind, queue, priority, state, max_attempts, run_at, due_at,
                payload_version, payload, dedup_key, concurrency_key, concurrency_limit, correlation_id, trace_parent,
                origin, parent_id)
            values (wanted.id, wanted.tenant_id, wanted.kind, wanted.queue, wanted.priority,
                case when due_at is null then 'ready'::jobs.state else 'scheduled'::jobs.state end,
                wanted.max_attempts, coalesce(due_at, now()), due_at, wanted.payload_version,
                wanted.payload, wanted.dedup_key, wanted.concurrency_key, wanted.concurrency_limit,
                wanted.correlation_id, wanted.trace_parent, wanted.origin, wanted.parent_id)
            on conflict (tenant_id, kind, dedup_key) where dedup_key is not null do nothing
            returning id, queue, kind, state
        ), counted as (
            -- the books: it came into being
            insert into jobs.transition (queue, kind, from_state, to_state, n)
            select i.queue, i.kind, null, i.state, 1 from inserted i
        )
        select i.id into job_id from inserted i;
        is_new := job_id is not null;
        if is_new then
            return;
        end if;
        select l.id into job_id from jobs.live l
        where l.tenant_id = wanted.tenant_id and l.kind = wanted.kind and l.dedup_key = wanted.dedup_key;
        if job_id is not null then
            return;
        end if;
    end loop;
    raise exception 'jobs with the dedup key come and go' using errcode = 'serialization_failure';
end
$enqueue$;
revoke all on function jobs.enqueue_one(jsonb) from public;
grant execute on function jobs.enqueue_one(jsonb) to desk_platform, desk_support, desk_marketing, desk_queue;

-- Creates or updates a ticket from what the help desk told, and answers its id.
create function support_app.upsert_ticket(tenant uuid, ticket jsonb) returns uuid
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
        source = told.source,
        status = coalesce(told.status, t.status),
        priority = coalesce(told.priority, t.priority),
        customer_id = coalesce(told.customer_id, t.customer_id),
        customer_external_id = coalesce(told.customer_external_id, t.customer_external_id),
        customer_email = coalesce(told.customer_email, t.customer_email),
        customer_name = coalesce(told.customer_name, t.customer_name),
        tags = told.tags,
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
        coalesce(told.channel, 'unknown'), told.source, coalesce(told.status, 'open'),
        coalesce(told.priority, 'normal'), told.customer_id, told.customer_external_id, told.customer_email,
        told.customer_name, told.tags, told.external_updated_at)
    on conflict (tenant_id, provider, external_id) do update set updated_at = t.updated_at
    returning t.id into found_id;
    return found_id;
end
$upsert$;

-- Adds messages that are not known yet, brings the ticket's counters up to date, and answers how many messages it has,
-- internal notes not counted. told_count is how many the help desk counts, notes included, or null.
create function support_app.store_messages(tenant uuid, ticket uuid, messages jsonb, told_count integer)
    returns integer
    language plpgsql volatile
as $store$
declare
    counted_now integer;
begin
    insert into support_app.message
        (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at)
    select m.id, tenant, ticket, m.external_id, m.from_agent, m.internal, m.channel, m.sender_name, m.body_text,
           m.sent_at
    from jsonb_to_recordset(messages) as m (
        id uuid, external_id text, from_agent boolean, internal boolean, channel text, sender_name text,
        body_text text, sent_at timestamptz)
    -- The same order in every transaction, so that two of them cannot wait for each other in a circle.
    order by m.external_id
    on conflict (tenant_id, ticket_id, external_id) do nothing;
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

-- Takes a delivery in. Documents: `delivery` with the columns of support_app.inbox, `body` as received, `ticket` as for
-- upsert_ticket with the told message_count beside, `messages` as for store_messages, and `job` as for
-- jobs.enqueue_one, or null when no draft is wanted. Dedup key and ticket of the job are filled in here, because only
-- here they are known.
--
-- A delivery that was recorded before changes nothing and gets its first answer. One of the same id is the same call,
-- sent again because its answer was lost on the way; it counts as new, as it was.
create function support_app.take_in(
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
begin
    -- The connection has the role; the tenant is the transaction's, and this call is the transaction.
    perform set_config('desk.tenant_id', tenant::text, true);
    select d.* into told from jsonb_to_record(delivery) as d (
        id uuid, provider text, dedup_key text, event_type text, decision text, skip_reason text,
        correlation_id text, replay_of uuid);
    select t.id into likely_ticket from support_app.ticket t
    where t.tenant_id = tenant and t.provider = told.provider and t.external_id = ticket ->> 'external_id';
    likely_ticket := coalesce(likely_ticket, (ticket ->> 'id')::uuid);

    -- Claimed first, which settles races. The row is written as it will most likely stay.
    insert into support_app.inbox as i
        (id, tenant_id, provider, dedup_key, event_type, body, decision, skip_reason, ticket_id, job_id,
         correlation_id, replay_of)
    values (told.id, tenant, told.provider, told.dedup_key, told.event_type, body, told.decision, told.skip_reason,
        likely_ticket, likely_job, told.correlation_id, told.replay_of)
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
            where i.tenant_id = tenant and i.provider = told.provider and i.dedup_key = told.dedup_key
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
    if job is not null then
        select e.job_id into job_id from jobs.enqueue_one(job || jsonb_build_object(
            'dedup_key', ticket_id || ':' || message_count,
            'payload', (job -> 'payload') || jsonb_build_object('ticket_id', ticket_id))) e;
    end if;
    if ticket_id <> likely_ticket or job_id is distinct from likely_job then
        update support_app.inbox i set ticket_id = take_in.ticket_id, job_id = take_in.job_id
        where i.id = take_in.delivery_id;
    end if;
end
$take_in$;

revoke all on function
    support_app.upsert_ticket(uuid, jsonb),
    support_app.store_messages(uuid, uuid, jsonb, integer),
    support_app.take_in(uuid, jsonb, jsonb, jsonb, jsonb, jsonb)
    from public;
grant execute on function
    support_app.upsert_ticket(uuid, jsonb),
    support_app.store_messages(uuid, uuid, jsonb, integer),
    support_app.take_in(uuid, jsonb, jsonb, jsonb, jsonb, jsonb)
    to desk_support;
