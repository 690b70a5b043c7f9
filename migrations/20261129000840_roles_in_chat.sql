-- What a person is at the desk, for whoever acts for them where they have not signed in here: a button in chat.
create function shared.role_of(person uuid) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $role$
    select l.role from shared.login l
    where l.id = person and l.tenant_id = shared.current_tenant() and l.disabled_at is null
$role$;
revoke all on function shared.role_of(uuid) from public;
grant execute on function shared.role_of(uuid) to desk_support;
