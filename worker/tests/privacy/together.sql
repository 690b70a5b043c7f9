-- What names two persons at once: {C1} and {C2} are the shop's ids, {T} the tenant.
insert into platform.profile_snapshot (tenant_id, grain, taken_on, first_customer, last_customer, segmentation_id, customers, memberships,
    churn, ltv)
values ('{T}', 'day', current_date, least('{C1}', '{C2}'), greatest('{C1}', '{C2}'), md5('segmentation')::uuid,
        array[least('{C1}', '{C2}'), greatest('{C1}', '{C2}')], '\x0102', '{0.1,0.2}', '{1,2}');
insert into platform.intelligence_shard (run_id, shard, tenant_id, lower, upper) values (md5('run')::uuid, 0, '{T}', '{C1}', '{C2}');
insert into marketing_app.fact_block (tenant_id, block, first_customer, last_customer, customers)
values ('{T}', 0, least('{C1}', '{C2}'), greatest('{C1}', '{C2}'), 2);
-- The second wrote into the first one's ticket, when theirs was merged into it.
insert into support_app.message (id, tenant_id, ticket_id, origin_ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
values (md5('guest')::uuid, '{T}', md5('{C1} t1')::uuid, md5('{C2} t1')::uuid, 'guest', false, false, 'email', 'a guest: {W2}', now());
select support_app.refresh_search(md5('{C1} t1')::uuid);
select set_config('desk.tenant_id', '{T}', false);
select support_app.fold_tags();
