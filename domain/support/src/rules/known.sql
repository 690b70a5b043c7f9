-- What rules may name of the transaction's tenant, a list each.
select
    array(select a.id from support_app.agent a
          where a.tenant_id = shared.current_tenant() and a.disabled_at is null) as agents,
    array(select a.id from support_app.agent a
          where a.tenant_id = shared.current_tenant() and a.disabled_at is not null) as gone_agents,
    array(select m.id from support_app.macro m
          where m.tenant_id = shared.current_tenant() and m.archived_at is null) as macros,
    array(select m.id from support_app.macro m
          where m.tenant_id = shared.current_tenant() and m.archived_at is not null) as gone_macros,
    array(select distinct d from support_app.agent a, unnest(a.departments) d
          where a.tenant_id = shared.current_tenant() and a.disabled_at is null) as departments,
    array(select distinct s from support_app.agent a, unnest(a.skills) s
          where a.tenant_id = shared.current_tenant() and a.disabled_at is null) as skills,
    array(select f.key from support_app.custom_field f
          where f.tenant_id = shared.current_tenant() and f.archived_at is null) as fields,
    array(select a.one ->> 'id' from platform.segmentation s, jsonb_array_elements(s.catalog -> 'archetypes') a (one)
          where s.tenant_id = shared.current_tenant() and s.state = 'current') as archetypes
