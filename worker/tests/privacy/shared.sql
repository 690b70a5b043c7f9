-- What the persons of a tenant have in common: an agent, a run, a segment with its index, an import. {T} is the tenant.
insert into support_app.agent (id, tenant_id, name, email) values (md5('agent')::uuid, '{T}', 'Agent', 'agent@desk.example');
insert into platform.segmentation (id, tenant_id, number, fitted_as_of, customers, model, catalog, report, reason)
values (md5('segmentation')::uuid, '{T}', 1, current_date, 2, '\x00', '{}', '{}', 'first');
insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, segmentation_id)
values (md5('run')::uuid, '{T}', 1, 'published', current_date, md5('segmentation')::uuid);
insert into platform.current_run (tenant_id, run_id, generation) values ('{T}', md5('run')::uuid, 1);
insert into platform.import_run (id, tenant_id, source, fingerprint, state) values (md5('import')::uuid, '{T}', 'orders.csv', '\x00', 'done');
insert into marketing_app.segment (id, tenant_id, name, rule) values (md5('segment')::uuid, '{T}', 'All', '{"all": []}');
insert into marketing_app.segment_evaluation (id, tenant_id, segment_id, state, rule_version)
values (md5('evaluation')::uuid, '{T}', md5('segment')::uuid, 'done', 1);
insert into marketing_app.fact_index (tenant_id, run_id, generation, facts_version, customers, columns, took_ms)
values ('{T}', md5('run')::uuid, 1, 1, 2, '{}', 1);
insert into marketing_app.fact_bits (tenant_id, vector, block, bits) values ('{T}', 0, 0, B'11');
insert into support_app.mailbox (id, tenant_id, address, sealed_secrets, token_hash, last_error, last_error_at)
values (md5('mailbox')::uuid, '{T}', 'desk@shop.example', '\x00', '\x00', '550 no such mailbox: zanzibara@quokka.example', now());
insert into support_app.rule (id, tenant_id, position, made_by, event, spec)
values (md5('rule')::uuid, '{T}', 1, 'key:x', 'ticket_updated', '{}');
insert into support_app.rule_trial (id, tenant_id, rule_id, spec, from_at, until_at, asked_by, job_id)
values (md5('trial')::uuid, '{T}', md5('rule')::uuid, '{}', now(), now(), 'key:x', md5('trial')::uuid);
insert into outbound.endpoint (id, tenant_id, url, events, sealed_secret, created_by)
values (md5('endpoint')::uuid, '{T}', 'https://erp.example/hook', '{*}', '\x00', 'key:x');
insert into outbound.workspace (id, tenant_id, team_id, sealed_token, installed_by) values (md5('workspace')::uuid, '{T}', 'T1', '\x00', 'key:x');
insert into outbound.alert_rule (id, tenant_id, workspace_id, channel, events, created_by)
values (md5('alerts')::uuid, '{T}', md5('workspace')::uuid, 'C1', '{customer.*}', 'key:x');
