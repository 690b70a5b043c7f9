-- Messages of one id and with other words are as many messages. A webhook's template may give each message the id of its ticket,
-- or a constant: the first of them was stored then, and what the customer wrote later was lost.

-- What is compared of a text: its letters. A help desk has more than one form of a message, with other spaces and marks.
create function support_app.letters_of(written text) returns text
    language sql immutable parallel safe
as $letters$
    select coalesce(nullif(regexp_replace(lower(written), '[[:space:][:punct:]]+', '', 'g'), ''), written)
$letters$;

-- The same messages, but those whose id another message has get the id that is made of their text. Those are doubted whose id
-- a template wrote, which have a `text_id`. It is the same message when it has the same words, or the same time of its own,
-- for then its text was changed; and what an agent wrote, or went out from here, is changed by the help desk in many ways. A text
-- that was erased is no other one. Looked at is what the ticket has, what was split off, and what went before.
--
-- The caller holds the ticket, if it is to hold true.
create function support_app.told_apart(tenant uuid, ticket uuid, messages jsonb) returns jsonb
    language plpgsql volatile
as $apart$
declare
    around uuid[];
    named jsonb;
begin
    with recursive before (id) as (
        select told_apart.ticket
        union
        select n.id
        from before b join support_app.ticket t on t.id = b.id
        cross join lateral unnest(array[t.merged_into, t.follow_up_of]) n (id)
        where n.id is not null
    )
    select array(
        select b.id from before b
        union
        select s.id from before b join support_app.ticket s on s.split_from = b.id
    ) into around;
    select jsonb_object_agg(n.id, n.text_id) into named
    from jsonb_to_recordset(messages) as n (
        id uuid, external_id text, text_id text, from_agent boolean, body_text text, without_history text,
        sent_at timestamptz, is_timed boolean)
    where n.text_id is not null
      and exists (
          select from support_app.message m
          where m.tenant_id = told_apart.tenant and m.ticket_id = any (around) and m.external_id = n.external_id)
      and not exists (
          select from support_app.message m
          where m.tenant_id = told_apart.tenant and m.ticket_id = any (around) and m.external_id = n.external_id
            and case
                when m.body_text in ('', '[erased]') or m.body_text = n.body_text then true
                when m.from_agent and n.from_agent or m.delivery is not null then true
                when n.is_timed and m.sent_at = n.sent_at then true
                when support_app.letters_of(m.body_text)
                         in (support_app.letters_of(n.body_text), support_app.letters_of(n.without_history)) then true
                -- What is stored goes on with what it answers, which is not told this time.
                else starts_with(support_app.letters_of(m.body_text), support_app.letters_of(n.body_text))
                     and m.body_text ~ '(^|\n)[ \t]*>|:[ \t]*(\n|$)'
            end);
    if named is null then
        return messages;
    end if;
    return (
        select jsonb_agg(case when named ? (m.document ->> 'id')
                              then m.document || jsonb_build_object('external_id', named -> (m.document ->> 'id'))
                              else m.document end order by m.place)
        from jsonb_array_elements(messages) with ordinality m (document, place));
end
$apart$;

-- As in 20261129001000_written_once, but that messages of one id are told apart, and none is stored twice for it.
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
             origin_ticket_id)
        select distinct on (n.external_id) n.id, tenant, target, n.external_id, n.from_agent, n.internal, n.channel,
               n.sender_name, n.body_text, n.sent_at, nullif(ticket, target)
        from jsonb_to_recordset(told) as n (
            id uuid, external_id text, from_agent boolean, internal boolean, channel text, sender_name text,
            body_text text, sent_at timestamptz)
        -- What was split off is told of its former ticket again and again.
        where not exists (
            select from support_app.ticket s join support_app.message x
                on x.tenant_id = tenant and x.ticket_id = s.id and x.external_id = n.external_id
            where s.split_from in (ticket, target)
        )
        -- The same order in every transaction, so that two of them cannot wait for each other in a circle.
        order by n.external_id, n.body_text = ''
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

-- As in 20261129001300_stored_together, but that the customer's message of a final ticket is told apart.
create or replace function support_app.follow_delivery(
    tenant uuid, delivery_id uuid, told_decision text, told_reason text, unless_tagged jsonb, likely_ticket uuid,
    ticket jsonb, messages jsonb, job jsonb,
    out decision text, out skip_reason text, out ticket_id uuid, out job_id uuid)
    returns record
    language plpgsql volatile
as $follow$
declare
    message_count integer;
    known_id uuid;
    apart jsonb;
    current_id uuid;
begin
    decision := told_decision;
    skip_reason := told_reason;
    -- Of a ticket that is final it matters whether the customer's message is news.
    select t.id into known_id from support_app.ticket t
    where t.tenant_id = tenant and t.provider = ticket ->> 'provider' and t.external_id = ticket ->> 'external_id'
      and t.status in ('resolved', 'closed');
    if known_id is not null then
        apart := support_app.told_apart(tenant, known_id, messages);
        ticket := ticket || coalesce((
            select jsonb_build_object('customer_message', n.external_id)
            from jsonb_to_recordset(messages) as o (id uuid, external_id text)
            join jsonb_to_recordset(apart) as n (id uuid, external_id text) on n.id = o.id
            where o.external_id = ticket ->> 'customer_message' limit 1), '{}');
    end if;
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

revoke all on function support_app.letters_of(text), support_app.told_apart(uuid, uuid, jsonb) from public;
grant execute on function support_app.letters_of(text), support_app.told_apart(uuid, uuid, jsonb) to desk_support;
