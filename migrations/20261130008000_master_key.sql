-- Whether a process has the master key under which this database's secrets lie. With another one, well-formed, it would start,
-- refuse every delivery and let every draft die; so it is asked at boot. The first process that starts leaves a value that
-- opens under the right key alone. It tells nothing of the key.
create table shared.master_key (
    is_only     boolean primary key default true,
    check_value bytea not null,
    made_at     timestamptz not null default now(),
    constraint master_key_is_only check (is_only)
);
-- No policy: whoever looks finds no row; the function below tells it.
alter table shared.master_key enable row level security;
grant select on shared.master_key to desk_gateway;

-- The value, which the candidate becomes when there is none; and while there is none, a secret that was sealed before there
-- were such values. Runs as the owner, because it looks at whichever tenant has one, and nobody else may change the value.
create function shared.master_key_check(candidate bytea, out check_value bytea, out tenant_id uuid, out provider text,
    out sealed_secrets bytea)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $check$
begin
    if candidate is not null then
        -- Of two processes that start at once, one makes it.
        insert into shared.master_key (check_value) values (candidate) on conflict do nothing;
    end if;
    select m.check_value into master_key_check.check_value from shared.master_key m;
    if not found then
        select i.tenant_id, i.provider, i.sealed_secrets
        into master_key_check.tenant_id, master_key_check.provider, master_key_check.sealed_secrets
        from shared.integration i order by i.updated_at desc limit 1;
    end if;
end
$check$;
revoke all on function shared.master_key_check(bytea) from public;
grant execute on function shared.master_key_check(bytea) to desk_support;
