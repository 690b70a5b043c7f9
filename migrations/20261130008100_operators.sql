-- What operators ask of all tenants: the trail without whoever looked at what, and what lies sealed under the master key.

-- Each page of a list that somebody opens is a line of the trail; what was done is little of it. So these are small, and
-- whoever only looks does not touch them. Not built concurrently: that would wait for a second migration which waits for this
-- one.
create index audit_acts_by_time on shared.audit (at desc, id desc) where action not like '%.view';
create index audit_acts_by_tenant on shared.audit (tenant_id, at desc, id desc) where action not like '%.view';

-- Some of what was sealed under the master key, the newest first, each with what it was sealed for. Runs as the owner, because
-- it looks at whichever tenant has something; it tells nothing that can be read without the key.
create function shared.sealed_under_master_key() returns table (what text, tenant_id uuid, owner text, sealed bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $sealed$
    (select 'the credential of ' || i.provider, i.tenant_id, i.tenant_id::text || ':' || i.provider, i.sealed_secrets
     from shared.integration i order by i.updated_at desc limit 20)
    union all
    (select 'the key ' || k.generation::text || ' of a tenant', k.tenant_id, k.tenant_id::text || ':tenant-key', k.sealed_key
     from shared.tenant_key k where k.sealed_key is not null order by k.made_at desc limit 20)
$sealed$;
revoke all on function shared.sealed_under_master_key() from public;
grant execute on function shared.sealed_under_master_key() to desk_support;
