-- Makes one of everything that other systems are told of, for the tenant TENANT.
insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority)
values ('00000000-0000-0000-0000-00000000b001', 'TENANT', 1, 'desk', 'x', 'email', 'email', 'open', 'normal');

update support_app.ticket set priority = 'urgent', status = 'pending', assignee_id = gen_random_uuid() where number = 1;

insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
values (gen_random_uuid(), 'TENANT', '00000000-0000-0000-0000-00000000b001', 'm1', false, false, 'email', 'secret', now()),
       (gen_random_uuid(), 'TENANT', '00000000-0000-0000-0000-00000000b001', 'm2', true, true, 'note', 'secret', now()),
       (gen_random_uuid(), 'TENANT', '00000000-0000-0000-0000-00000000b001', 'm3', true, false, 'email', 'secret', now());

select support_app.emit('TENANT', kind, '00000000-0000-0000-0000-00000000b001', null, payload::jsonb)
from (values ('reply_sent', '{"message_id": "00000000-0000-0000-0000-00000000c001"}'),
             ('reply_failed', '{"message_id": "00000000-0000-0000-0000-00000000c001"}'),
             ('ticket_rated', '{"score": 5, "source": "link"}'),
             ('sla_warning', '{"number": 1, "clock": "first_response", "due_at": "2026-11-28T12:00:00Z", "target_version": 1}'),
             ('sla_breach', '{"number": 1, "clock": "first_response", "due_at": "2026-11-28T12:00:00Z", "target_version": 1}'),
             ('job_done', '{}')) e (kind, payload);

insert into platform.customer_profile (tenant_id, customer_id, orders, lines, spend, currency, returned_value)
values ('TENANT', 'c1', 1, 1, 10, 'EUR', 0);

update platform.customer_profile set orders = 2, last_order_at = now();

update platform.customer_profile set refreshed_at = now();

insert into platform.segmentation (id, tenant_id, number, fitted_as_of, customers, model, catalog, report, reason)
values ('00000000-0000-0000-0000-00000000d001', 'TENANT', 1, '2026-11-28', 1, '',
        '{"archetypes": [{"id": "aa", "name": "one"}, {"id": "bb", "name": "two"}]}', '{}', 'test');

insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, segmentation_id)
values ('00000000-0000-0000-0000-00000000e001', 'TENANT', 1, 'published', '2026-11-28', '00000000-0000-0000-0000-00000000d001');

insert into platform.customer_change (tenant_id, customer_id, run_id, changed_on, drift, archetype_from, archetype_to, churn_from, churn_to)
values ('TENANT', 'c1', '00000000-0000-0000-0000-00000000e001', '2026-11-28', 0.5, 0, 1, 0.1, 0.9),
       ('TENANT', 'c2', '00000000-0000-0000-0000-00000000e001', '2026-11-28', 0.5, null, 1, 'nan', 0.61),
       ('TENANT', 'c3', '00000000-0000-0000-0000-00000000e001', '2026-11-28', 0.5, 1, 1, 0.61, 0.62);

insert into platform.current_run (tenant_id, run_id, generation) values ('TENANT', '00000000-0000-0000-0000-00000000e001', 1);

insert into marketing_app.segment_change (tenant_id, segment_id, evaluation_id, customer_id, entered)
values ('TENANT', gen_random_uuid(), gen_random_uuid(), 'c1', true), ('TENANT', gen_random_uuid(), gen_random_uuid(), 'c2', false);

insert into jobs.dead (id, tenant_id, kind, queue, priority, attempt, max_attempts, crashes, run_at, payload_version,
                       payload, error, fingerprint, error_class, correlation_id, origin, created_at)
select gen_random_uuid(), 'TENANT', kind, 'ai', 1, 5, 5, 0, now(), 1, '{}', '{}', 'f', 'x', 'c', 'code', now()
from unnest(array['draft_reply', 'deliver_webhook', 'send_slack_alert', 'answer_slack']) kind;

insert into platform.import_run (id, tenant_id, source, fingerprint)
values ('00000000-0000-0000-0000-00000000f001', 'TENANT', 'a.csv', '');

update platform.import_run set state = 'done', finished_at = now();

