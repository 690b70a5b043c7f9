-- Tickets number $2 to $3 of tenant $1, of $4 in all, each with four messages, and two clocks where it is in work: every
-- tenth is. They are as old as their numbers say, of $5 customers, and those in work are of the agents $6 in turn.
with ticket as (
    insert into support_app.ticket (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority,
        customer_id, customer_email, customer_name, known_customer, tags, assignee_id, assignment_state, department,
        message_count, last_message_at, first_customer_message_at, last_customer_message_at, waiting_since, sla_due_at,
        sla_state, sentiment, rank, created_at, updated_at)
    select gen_random_uuid(), $1, n, 'desk', n::text,
           (array['Where is my order', 'Refund for', 'Wrong size of', 'Damaged on arrival', 'Change the address of'])[1 + n % 5]
               || ' ' || n % 7919,
           (array['email', 'email', 'chat', 'form'])[1 + n % 4], 'email',
           case when n % 10 = 0 then case when n % 30 = 0 then 'pending' else 'open' end
                when n % 10 = 1 then 'resolved' else 'closed' end,
           (array['low', 'normal', 'normal', 'high', 'urgent'])[1 + n % 5],
           'c' || n % $5, 'c' || n % $5 || '@example.com', 'Customer ' || n % $5, 'c' || n % $5,
           array[(array['shipping', 'returns', 'payment', 'sizes'])[1 + n % 4]],
           case when n % 10 = 0 and cardinality($6::uuid[]) > 0 then ($6::uuid[])[1 + (n / 10) % cardinality($6::uuid[])] end,
           case when n % 10 = 0 and cardinality($6::uuid[]) > 0 then 'assigned' end, 'team ' || n % 7,
           4, age.at + interval '3 hours', age.at, age.at + interval '3 hours',
           case when n % 10 = 0 then age.at + interval '3 hours' end,
           case when n % 10 = 0 then age.at + interval '5 days' end, case when n % 10 = 0 then 'within_sla' end,
           (n % 100) / 100.0, (n * 7919) % 1000003, age.at, age.at + interval '3 hours'
    from generate_series($2::bigint, $3::bigint) n
    cross join lateral (select now() - ($4 - n) * interval '20 seconds' - interval '4 hours' as at) age
    returning id, number, status, created_at, tags[1] as tag
), tagged as (
    insert into support_app.ticket_tag (tenant_id, tag, created_at, ticket_id)
    select $1, tag, created_at, id from ticket
), message as (
    insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
    select gen_random_uuid(), $1, t.id, k::text, k % 2 = 0, false, 'email',
           'Hello, this is about order ' || t.number % 50000 || ' and item' || (t.number * 31 + k) % 20000
           || '. It should have come last week, please tell me where it is or send the money back. Thank you, '
           || (array['Ann', 'Ben', 'Cem', 'Dora', 'Eve'])[1 + t.number % 5] || ' ref' || t.number,
           t.created_at + k * interval '1 hour' - interval '1 hour'
    from ticket t cross join generate_series(1, 4) k
)
insert into support_app.sla_clock (ticket_id, kind, seq, tenant_id, started_at, state, standing, due_at, warn_at,
    elapsed_micros, target_minutes, target_version, next_alert_at)
select t.id, k.kind, 1, $1, t.created_at, 'running', 'within_sla', t.created_at + k.takes, t.created_at + k.takes * 0.8, 0,
       extract(epoch from k.takes)::bigint / 60, 1, null
from ticket t
cross join (values ('next_response', interval '5 days'), ('resolution', interval '9 days')) k (kind, takes)
where t.status in ('open', 'pending')
