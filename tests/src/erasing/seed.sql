-- Tickets from number $2 to $3 of tenant $1, each with two messages, its words and a delivery; every $4th is the customer's who
-- will be erased. Every tenth brings a customer with an order, every fifth a job that is done.
with ticket as (
    insert into support_app.ticket (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority,
        customer_id, customer_email, customer_name, message_count, created_at, status_since, resolved_at, closed_at)
    select md5('t' || n)::uuid, $1, n, 'gorgias', n::text, case when n % $4 = 0 then 'xylophonist asks' else 'Where is it?' end,
           'email', 'email', case when n % 20 = 1 then 'open' else 'closed' end, 'normal',
           case when n % $4 = 0 then 'zq-4711' else 'c-' || n / 10 end,
           case when n % $4 = 0 then 'zanzibara@quokka.example' else 'c' || n / 10 || '@example.com' end,
           case when n % $4 = 0 then 'Zanzibara Quokka' else 'Customer ' || n / 10 end, 2,
           now() - n * interval '1 second', now(), case when n % 20 = 1 then null else now() end,
           case when n % 20 = 1 then null else now() end
    from generate_series($2::bigint, $3::bigint) n
    returning id, number
), message as (
    insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at)
    select md5('m' || t.number || '-' || k)::uuid, $1, t.id, 'm' || k, k = 2, false, 'email',
           case when k = 1 then case when t.number % $4 = 0 then 'Zanzibara Quokka' else 'Customer' end end,
           case when t.number % $4 = 0 then 'I am Zanzibara, the xylophonist. ' else '' end
               || 'Where is my parcel? It was to come a week ago, and nobody told me anything. ' || k,
           now() - t.number * interval '1 second'
    from ticket t cross join generate_series(1, 2) k
), words as (
    insert into support_app.ticket_search (ticket_id, tenant_id, at, source_hash, document)
    select t.id, $1, now() - t.number * interval '1 second', 'seed',
           array_to_tsvector(array['tenant=' || $1, '#' || t.number])
           || to_tsvector('simple', case when t.number % $4 = 0 then 'zanzibara@quokka.example xylophonist' else 'c' || t.number / 10 || '@example.com parcel' end)
    from ticket t
), delivery as (
    insert into support_app.inbox (id, tenant_id, provider, dedup_key, body, decision, skip_reason, ticket_id, received_at)
    select md5('d' || t.number)::uuid, $1, 'gorgias', 'event:' || t.number, jsonb_build_object('ticket', jsonb_build_object('id', t.number,
               'customer', case when t.number % $4 = 0 then 'Zanzibara Quokka' else 'Customer' end)), 'skipped', 'agent_spoke_last', t.id, now()
    from ticket t
), job as (
    insert into jobs.finished (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at, payload_version, payload,
        result, correlation_id, origin, created_at)
    select md5('j' || t.number)::uuid, $1, 'draft_reply', 'ai', 2, 'done', 1, 5, 0, now(), 1, jsonb_build_object('ticket_id', t.id),
           jsonb_build_object('draft_id', md5('x' || t.number)::uuid, 'said', case when t.number % $4 = 0 then 'Dear Zanzibara' else 'Dear' end),
           'c', 'api', now()
    from ticket t where t.number % 5 = 0
), customer as (
    insert into platform.customer (tenant_id, customer_id, email, name)
    select $1, 'c-' || t.number / 10, 'c' || t.number / 10 || '@example.com', 'Customer ' || t.number / 10 from ticket t where t.number % 10 = 1
), line as (
    insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, quantity, amount, currency, is_return, counts)
    select $1, md5('l' || t.number)::uuid, 'o-' || t.number,
           case when t.number % $4 = 0 then 'zq-4711' else 'c-' || t.number / 10 end, now(), 1, 10, 'EUR', false, true
    from ticket t where t.number % 10 = 1 or t.number % $4 = 0
)
insert into platform.order (tenant_id, order_id, customer_id, placed_at, taken_at, lines_key, lines, sale_lines, is_test, counts,
    payment, currency, source)
select $1, 'o-' || t.number, case when t.number % $4 = 0 then 'zq-4711' else 'c-' || t.number / 10 end, now(), now(),
       md5('k' || t.number)::uuid, 1, 1, false, true, 'paid', 'EUR', 'file'
from ticket t where t.number % 10 = 1 or t.number % $4 = 0
