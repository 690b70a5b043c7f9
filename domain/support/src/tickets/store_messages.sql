-- Adds messages that are not known yet and brings the ticket's counters up to date. Parameters: 1 tenant,
-- 2 ticket, then arrays of equal length: 3 ids, 4 external ids, 5 from_agent, 6 internal, 7 channels,
-- 8 sender names, 9 texts, 10 times; 11 how many messages the help desk counts, notes included, or null.
with
added as (
    insert into support_app.message
        (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at)
    select m.id, $1, $2, m.external_id, m.from_agent, m.internal, m.channel, m.sender_name, m.body_text, m.sent_at
    from unnest($3::uuid[], $4::text[], $5::bool[], $6::bool[], $7::text[], $8::text[], $9::text[], $10::timestamptz[])
        as m (id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at)
    -- The same order in every transaction, so that two of them cannot wait for each other in a circle.
    order by m.external_id
    on conflict (tenant_id, ticket_id, external_id) do nothing
    returning internal, from_agent, sent_at
),
-- The rows of `added` are not yet visible in the table itself.
known as (
    select internal, from_agent, sent_at from support_app.message where tenant_id = $1 and ticket_id = $2
    union all
    select internal, from_agent, sent_at from added
),
counted as (
    select count(*) filter (where not internal)::int as public,
           count(*) filter (where internal)::int as notes,
           max(sent_at) filter (where not internal) as last_at,
           (array_agg(from_agent order by sent_at desc) filter (where not internal))[1] as agent_last
    from known
)
update support_app.ticket t set
    message_count = greatest(t.message_count, counted.public, coalesce($11 - counted.notes, 0)),
    last_message_at = greatest(t.last_message_at, counted.last_at),
    agent_spoke_last = coalesce(counted.agent_last, t.agent_spoke_last)
from counted
where t.tenant_id = $1 and t.id = $2
returning t.message_count
