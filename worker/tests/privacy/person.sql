-- One person everywhere. {T} tenant, {C} and {M} the shop's ids (the second was merged into the first), {N} name, {E} address,
-- {B} the same with capitals, {P} number, {W} a word that only they wrote, {S} a number for unique numbers.
insert into platform.customer (tenant_id, customer_id, email, name, phone, shipping_country, tags, marketing_opt_in)
values ('{T}', '{C}', '{E}', '{N}', '{P}', 'DE', '{vip {N}}', true);
insert into platform.customer (tenant_id, customer_id, email, name, merged_into) values ('{T}', '{M}', '{E}', '{N}', '{C}');
insert into platform.customer_identity (tenant_id, kind, value, customer_id)
values ('{T}', 'email', '{E}', '{C}'), ('{T}', 'phone', '{P}', '{C}'), ('{T}', 'shop', '{M}', '{C}');
insert into platform.customer_merge (id, tenant_id, kept, merged, identities, orders, by)
values (md5('{C} merge')::uuid, '{T}', '{C}', '{M}', '[{"kind": "email", "value": "{E}", "is_shared": true}]', 1, 'key:x');
insert into platform.order (tenant_id, order_id, customer_id, stated_customer, placed_at, taken_at, lines_key, lines, sale_lines,
    is_test, counts, payment, currency, source, import_id)
values ('{T}', 'o-{S}', '{C}', '{M}', now(), now(), md5('{C} key')::uuid, 2, 2, false, true, 'paid', 'EUR', 'file', md5('import')::uuid);
insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, quantity, amount, currency, is_return, counts)
values ('{T}', md5('{C} 1')::uuid, 'o-{S}', '{C}', now(), 1, 40, 'EUR', false, true),
       ('{T}', md5('{C} 2')::uuid, 'o-{S}', '{C}', now(), 2, 60, 'EUR', false, true);
insert into platform.order_prior (tenant_id, import_id, order_id, header, lines)
values ('{T}', md5('import')::uuid, 'o-{S}', '{"order_id": "o-{S}", "customer_id": "{C}", "stated_customer": "{M}"}',
        '[{"customer_id": "{C}", "amount": 40}, {"customer_id": "{C}", "amount": 1}]');
insert into platform.customer_profile (tenant_id, customer_id, orders, lines, spend, currency, returned_value)
values ('{T}', '{C}', 1, 2, 100, 'EUR', 0);
insert into platform.customer_fact (tenant_id, generation, customer_id, orders, spend_cents, marketing_opt_in, shipping_country)
values ('{T}', 1, '{C}', 1, 10000, true, 'DE'), ('{T}', 1, '{M}', 0, 0, true, 'DE');
insert into platform.customer_insight (tenant_id, generation, customer_id, computed_at, confidence, who, features, memberships)
values ('{T}', 1, '{C}', now(), 'rule', 'A newcomer', '\x01', '\x02');
insert into platform.customer_change (tenant_id, customer_id, run_id, changed_on, drift)
values ('{T}', '{C}', md5('run')::uuid, current_date, 0.5), ('{T}', '{M}', md5('run')::uuid, current_date, 0.1);
insert into platform.fact_change (facts_version, existed, tenant_id, generation, customer_id) values (1, true, '{T}', 1, '{C}');
insert into platform.stale_profile (tenant_id, cause, customer_id) values ('{T}', md5('import')::uuid, '{C}');
insert into platform.import_reject (tenant_id, import_id, line_number, reason, raw)
values ('{T}', md5('import')::uuid, {S}, 'no date for {N}', 'x;{C};{N};y');
insert into platform.import_note (tenant_id, import_id, number, line_number, kind, reason, message, raw)
values ('{T}', md5('import')::uuid, {S}, {S}, 'remark', 'cut', '{E} was cut', '"{E}",7');
insert into marketing_app.segment_member (tenant_id, segment_id, customer_id, entered_at)
values ('{T}', md5('segment')::uuid, '{C}', now()), ('{T}', md5('segment')::uuid, '{M}', now());
insert into marketing_app.segment_change (tenant_id, segment_id, evaluation_id, customer_id, entered)
values ('{T}', md5('segment')::uuid, md5('evaluation')::uuid, '{C}', true);

insert into support_app.ticket (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority,
    customer_id, customer_external_id, customer_email, customer_name, tags, custom, closed_at, resolved_at, suspended_reason)
values (md5('{C} t1')::uuid, '{T}', {S}1, 'gorgias', '{S}1', '{W} asks', 'email', 'email', 'closed', 'normal', '{C}', '{S}9', '{B}',
        '{N}', '{refund,"call {E}"}', '{"note": "{W}"}', now(), now(), 'a flood from {E}'),
       (md5('{C} t2')::uuid, '{T}', {S}2, 'desk', 'mail-{E}', '{W} again', 'email', 'email', 'open', 'normal', null, null, '{B}', '{N}',
        '{}', '{}', null, null, null),
       (md5('{C} t3')::uuid, '{T}', {S}3, 'desk', '{S}3', '{W} once more', 'form', 'form', 'resolved', 'normal', null, null, null, null,
        '{}', '{}', null, now(), null);
update support_app.ticket set known_customer = '{C}', looked_up_for = '{C}|{E}', customer_facts = '{"customer": "{C}"}'
where id = md5('{C} t3')::uuid;
insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, sender_name, body_text, sent_at, error)
select md5('{C} m' || n)::uuid, '{T}', md5('{C} t' || t)::uuid, 'm{S}-{E}-' || n, n % 2 = 0, n % 3 = 0, 'email',
       case when n % 2 = 0 then 'Agent' else '{N}' end, 'I am {N}, {W}, number ' || n, now() - interval '1 hour', 'to {E}'
from generate_series(1, 9) n cross join lateral (select (n - 1) / 3 + 1 as t) x;
insert into support_app.attachment (id, tenant_id, ticket_id, message_id, name, content_type, size_bytes, sha256, uploaded_by)
values (md5('{C} file')::uuid, '{T}', md5('{C} t1')::uuid, md5('{C} m1')::uuid, 'passport {N}.png', 'image/png', 4, '\x01', 'key:x');
insert into support_app.draft (id, tenant_id, ticket_id, message_count, job_id, tone, length, style, reply, drafted_reply, recommendation,
    drafter, thumb, thumb_reason)
values (md5('{C} draft')::uuid, '{T}', md5('{C} t1')::uuid, 3, md5('{C} job')::uuid, 'friendly', 'short', 'email', 'Dear {N}, {W}', 'Dear {W}',
        '{"remarks": ["{W}"]}', 'template', -1, 'not for {N}');
insert into support_app.message_analysis (message_id, tenant_id, remark) values (md5('{C} m1')::uuid, '{T}', '{W} is odd');
insert into support_app.rating (id, tenant_id, ticket_id, resolution, score, comment, source, given_by, given_at)
values (md5('{C} rating')::uuid, '{T}', md5('{C} t1')::uuid, 1, 5, 'thanks from {N}', 'link', 'link', now());
insert into support_app.recommendation (id, tenant_id, ticket_id, job_id, basis, priority, actions, talking_points, warnings, made_by)
values (md5('{C} advice')::uuid, '{T}', md5('{C} t1')::uuid, md5('{C} advice')::uuid, 'x', 'high', '{a,b}', '{"{N}","{W}",c}', '{}', 'rules');
insert into support_app.reply_text (tenant_id, ticket_id, writer_id, body_text)
values ('{T}', md5('{C} t2')::uuid, md5('agent')::uuid, 'Dear {N}');
insert into support_app.reply_text_part (tenant_id, ticket_id, writer_id, origin_ticket_id, body_text, is_all)
values ('{T}', md5('{C} t2')::uuid, md5('agent')::uuid, md5('{C} t1')::uuid, 'Dear {N}', true);
insert into support_app.assignment (id, tenant_id, ticket_id, agent_id, reason, state, decided_by, why, units, from_at, until_at, end_why)
values (md5('{C} assignment')::uuid, '{T}', md5('{C} t1')::uuid, md5('agent')::uuid, 'manual', 'completed', 'key:x', 'knows {N}', 1, now(), now(),
        '{W} was content');
insert into support_app.ticket_change (tenant_id, ticket_id, at, actor, reason, field, old, new)
values ('{T}', md5('{C} t1')::uuid, now(), 'key:x', '{N} called', 'subject', '"{W}"', '"{W} asks"'),
       ('{T}', md5('{C} t1')::uuid, now(), 'key:x', null, 'status', '"open"', '"closed"');
insert into support_app.inbox (id, tenant_id, provider, dedup_key, body, decision, skip_reason, ticket_id, correlation_id, remarks)
values (md5('{C} delivery')::uuid, '{T}', 'gorgias', 'event:{S}', '{"ticket": {"id": {S}1, "customer": {"email": "{E}", "name": "{N}"}},
        "message": {"body_text": "{W}"}}', 'skipped', 'agent_spoke_last', md5('{C} t1')::uuid, 'from-{E}',
        '[{"field": "ticket.subject", "problem": "{W}"}]');
select support_app.refresh_search(md5('{C} t' || n)::uuid) from generate_series(1, 3) n;

insert into jobs.live (id, tenant_id, kind, queue, priority, state, max_attempts, run_at, due_at, payload_version, payload, dedup_key,
    last_error, correlation_id, origin)
values (md5('{C} waits')::uuid, '{T}', 'draft_reply', 'nowhere', 2, 'scheduled', 5, now() + interval '9 hours', now() + interval '9 hours', 1,
        jsonb_build_object('ticket_id', md5('{C} t1')::uuid, 'said', '{W}'), md5('{C} t1')::uuid || ':3',
        '{"class": "x", "message": "{W}"}', 'call-{E}', 'api'),
       (md5('{C} profile')::uuid, '{T}', 'recompute_profile', 'nowhere', 2, 'scheduled', 5, now() + interval '9 hours',
        now() + interval '9 hours', 1, '{"customer_id": "{C}"}', '{C}', null, 'c', 'api');
insert into jobs.live (id, tenant_id, kind, queue, priority, state, max_attempts, run_at, payload_version, payload, correlation_id, origin,
    successor_of, successor_key)
values (md5('{C} successor')::uuid, '{T}', 'recompute_profile', 'nowhere', 2, 'scheduled', 5, now(), 1, '{"customer_id": "{C}"}', 'c', 'api',
        md5('{C} profile')::uuid, '{C}');
insert into jobs.finished (id, tenant_id, kind, queue, priority, state, attempt, max_attempts, crashes, run_at, payload_version, payload,
    result, correlation_id, origin, created_at)
values (md5('{C} done')::uuid, '{T}', 'draft_reply', 'ai', 2, 'done', 1, 5, 0, now(), 1, jsonb_build_object('ticket_id', md5('{C} t1')::uuid),
        '{"reply": "Dear {N}, {W}"}', 'c', 'api', now());
insert into jobs.dead (id, tenant_id, kind, queue, priority, attempt, max_attempts, crashes, run_at, payload_version, payload, error,
    fingerprint, error_class, correlation_id, origin, created_at)
values (md5('{C} dead')::uuid, '{T}', 'send_reply', 'default', 2, 5, 5, 0, now(), 1, jsonb_build_object('message_id', md5('{C} m1')::uuid),
        '{"class": "x", "message": "no way to {E}, {W}"}', 'f', 'x', 'c', 'api', now());
insert into jobs.attempt (job_id, tenant_id, kind, attempt, outcome, error_class, message, fingerprint)
values (md5('{C} dead')::uuid, '{T}', 'send_reply', 5, 'dead', 'x', 'no way to {E}, {W}', 'f');
insert into jobs.side_effect (tenant_id, key, job_id, state, outcome)
values ('{T}', 'reply:' || md5('{C} m1'), md5('{C} dead')::uuid, 'happened', '{"to": "{E}"}');
insert into jobs.idempotency (tenant_id, key, request_hash, status, answer)
values ('{T}', 'k-{S}', '\x01', 201, '{"location": null, "body": {"customer": {"email": "{E}"}, "text": "{W}"}}'),
       ('{T}', 'j-{S}', '\x01', 201, jsonb_build_object('location', '/api/tickets/' || md5('{C} t1')::uuid, 'body', '{"text": "{W}"}'::jsonb));
insert into shared.audit (id, tenant_id, actor, action, subject, detail)
values (md5('{C} a1')::uuid, '{T}', 'key:x', 'customer.merge', 'merge:1', '{"kept": "{C}", "merged": "{M}", "orders": 1}'),
       (md5('{C} a2')::uuid, '{T}', 'key:x', 'customer-data.view', 'customer:{C}', '{}'),
       (md5('{C} a3')::uuid, '{T}', 'key:x', 'dead.retry', 'dead-letters', '{"reason": "for {E}"}');

-- Mail: one that became a message, one that was set aside, who sent how many, whom machines of ours answered.
insert into support_app.mail (id, tenant_id, mailbox_id, identity, message_id, sender, envelope_from, came_by, size_bytes, raw, state, reason,
    remarks, ticket_id, message_row, received_at, taken_at)
values (md5('{C} mail')::uuid, '{T}', md5('mailbox')::uuid, decode(md5('{C} mail'), 'hex'), '1.{E}', '{E}', '{E}', 'lmtp', 40,
        convert_to('From: {N} <{B}>' || chr(10) || chr(10) || '{W}', 'UTF8'), 'taken', null, '{passport {N}.png was left out}',
        md5('{C} t2')::uuid, md5('{C} m4')::uuid, now(), now()),
       (md5('{C} aside')::uuid, '{T}', md5('mailbox')::uuid, decode(md5('{C} aside'), 'hex'), '2.{E}', '{E}', '{B}', 'smtp', 40,
        convert_to('From: {B}' || chr(10) || chr(10) || '{W}, set aside', 'UTF8'), 'suspended', 'a flood', '{}', null, null, now(), null);
update support_app.message set mail_id = md5('{C} mail')::uuid, mail_message_id = '1.{E}', sender_email = '{E}',
    body_html = '<p>{W}</p>', stripped_text = '{W}'
where id = md5('{C} m4')::uuid;
insert into support_app.mail_sender (tenant_id, mailbox_id, sender, since, count) values ('{T}', md5('mailbox')::uuid, '{E}', now(), 3);
insert into support_app.mail_thread (tenant_id, header_id, ticket_id) values ('{T}', decode(md5('{C}'), 'hex'), md5('{C} t2')::uuid);
insert into support_app.mail_acknowledged (tenant_id, customer, at) values ('{T}', '{E}', now());
insert into support_app.auto_reply (tenant_id, customer, at) values ('{T}', 'email:{E}', now()), ('{T}', 'id:{C}', now());

-- The other side of a help desk, rules, and what was asked on the help page.
insert into support_app.help_desk_base (ticket_id, tenant_id, status, tags)
values (md5('{C} t1')::uuid, '{T}', 'closed', '{refund,"call {E}"}');
insert into support_app.help_desk_difference (tenant_id, ticket_id, field, ours, theirs, merged)
values ('{T}', md5('{C} t1')::uuid, 'tags', '["refund"]', '["refund", "call {E}"]', '["call {E}", "refund"]'),
       ('{T}', md5('{C} t1')::uuid, 'status', '"open"', '"closed"', '"closed"');
insert into support_app.rule_cause (tenant_id, ticket_id, event, detail)
values ('{T}', md5('{C} t1')::uuid, 'tag_added', '{"tags": ["call {E}", "refund"]}');
insert into support_app.rule_run (id, tenant_id, rule_id, version, ticket_id, cause_id, event, caused_at, outcome, results, problem)
values (md5('{C} run')::uuid, '{T}', md5('rule')::uuid, 1, md5('{C} t1')::uuid, {S}, 'ticket_updated', now(), 'failed',
        '[{"path": "a", "field": "subject", "op": "contains", "value": ["asks"], "was": "{W} asks", "holds": true}]', 'no such tag: {W}');
insert into support_app.rule_trial_hit (tenant_id, trial_id, seq, ticket_id, at, results, actions)
values ('{T}', md5('trial')::uuid, {S}, md5('{C} t1')::uuid, now(),
        '[{"path": "a", "field": "message", "op": "contains", "value": ["x"], "was": ["{W}"], "holds": true}]', '[]');
insert into support_app.rule_webhook (id, tenant_id, rule_id, ticket_id, url, body, state, problem)
values (md5('{C} call')::uuid, '{T}', md5('rule')::uuid, md5('{C} t1')::uuid, 'https://erp.example/rule',
        '{"ticket": {"number": {S}1, "tags": ["refund", "call {E}"]}}', 'failed', 'they answered: {E}');
insert into support_app.deflection (id, tenant_id, suggested, sent_at, ticket_id)
values (md5('{C} asked')::uuid, '{T}', '{}', now(), md5('{C} t3')::uuid);

-- What other systems were and are to be told, and what they answered.
insert into outbound.event (id, seq, tenant_id, type, subject, data, at)
values (md5('{C} event')::uuid, {S}, '{T}', 'customer.profile_changed', 'customer:{C}', '{"customer_id": "{C}", "orders": 1}', now()),
       (md5('{C} other')::uuid, {S}1, '{T}', 'ticket.updated', 'ticket:' || md5('{C} t1')::uuid,
        jsonb_build_object('ticket_id', md5('{C} t1')::uuid), now());
insert into outbound.webhook_delivery (id, tenant_id, endpoint_id, event_id, seq, type)
values (md5('{C} told')::uuid, '{T}', md5('endpoint')::uuid, md5('{C} event')::uuid, {S}, 'customer.profile_changed'),
       (md5('{C} told 2')::uuid, '{T}', md5('endpoint')::uuid, md5('{C} other')::uuid, {S}1, 'ticket.updated');
insert into outbound.attempt (tenant_id, delivery_id, at, took_ms, outcome, status, request_headers, response_headers, response_body)
values ('{T}', md5('{C} told')::uuid, now(), 5, 'delivered', 200, '{}', '{"x-who": "{C}"}', 'stored {C}'),
       ('{T}', md5('{C} told 2')::uuid, now(), 5, 'delivered', 200, '{}', '{}', 'this is {W}');
insert into outbound.alert (tenant_id, rule_id, workspace_id, channel, event_id, seq)
values ('{T}', md5('alerts')::uuid, md5('workspace')::uuid, 'C1', md5('{C} event')::uuid, {S});
insert into outbound.thread (tenant_id, workspace_id, channel, subject, ts, at)
values ('{T}', md5('workspace')::uuid, 'C1', 'customer:{C}', '1.1', now());

-- What the shop told of them, and what it asked for by law.
insert into platform.shop_event (tenant_id, source, topic, event_id, triggered_at, received_at, body)
values ('{T}', 'shopify', 'orders/updated', 'e1-{S}', now(), now(), '{"id": 1, "customer": {"id": "{M}"}}'),
       ('{T}', 'shopify', 'customers/update', 'e2-{S}', now(), now(), '{"id": "{C}", "first_name": "x"}'),
       ('{T}', 'shopify', 'orders/create', 'e3-{S}', now(), now(), '{"id": 2, "email": "{B}", "note": "{W}"}'),
       ('{T}', 'shopify', 'customers/merge', 'e4-{S}', now(), now(),
        '{"admin_graphql_api_customer_kept_id": "gid://shopify/Customer/{C}", "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/{M}"}');
insert into platform.shop_privacy_request (id, tenant_id, source, topic, event_id, customer_id, email, state, received_at, due_at)
values (md5('{C} law')::uuid, '{T}', 'shopify', 'customers/data_request', 'p-{S}', '{C}', '{B}', 'passed_on', now(), now());
insert into platform.shop_ref (tenant_id, source, kind, external_id, internal_id, stated_at)
values ('{T}', 'shopify', 'customer', '{M}', '{M}', now()), ('{T}', 'shopify', 'customer', '{C}', '{C}', now()),
       ('{T}', 'shopify', 'order', 'o{S}', 'o-{S}', now());

-- What colleagues asked about them.
insert into questions_app.conversation (id, tenant_id, asked_by, expires_at)
select md5('{C} talk ' || n)::uuid, '{T}', 'key:x', now() + interval '1 day' from generate_series(1, 3) n;
insert into questions_app.exchange (id, tenant_id, conversation_id, question, scopes, answer, last_call)
values (md5('{C} q1')::uuid, '{T}', md5('{C} talk 1')::uuid, 'Who is {N}?', '{}', '{"text": "nobody"}', null),
       (md5('{C} q2')::uuid, '{T}', md5('{C} talk 1')::uuid, 'And what was bought?', '{}', '{"text": "much"}', null),
       (md5('{C} q3')::uuid, '{T}', md5('{C} talk 2')::uuid, 'What did that one buy?', '{}', null,
        '{"tool": "lookup_customer", "arguments": {"customer_id": "{C}", "info_type": "profile"}}'),
       (md5('{C} q4')::uuid, '{T}', md5('{C} talk 3')::uuid, 'Will {C} leave?', '{}', null, null);
