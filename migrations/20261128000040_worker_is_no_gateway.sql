-- A worker parses what strangers send, so it must not be able to make credentials.
--
-- Its login role may take `desk_gateway` so far, which reads and writes API keys, tenants and the trail of everybody.
-- Workers of this version read what they need of their tenant as `desk_support`. Those of the version before still
-- read a tenant and its connections as the gateway while a deployment is under way, so the membership itself goes one
-- release later (`revoke desk_gateway from desk_worker`). Until then a session that logged in as `desk_worker` is
-- left these reads and nothing else, whatever role it takes: `session_user` does not change by `set role`.
--
-- A restrictive policy is asked in addition to the permissive ones.

create policy not_by_worker on shared.api_key as restrictive to desk_gateway
    using (session_user <> 'desk_worker') with check (session_user <> 'desk_worker');
create policy not_by_worker on shared.audit as restrictive to desk_gateway
    using (session_user <> 'desk_worker') with check (session_user <> 'desk_worker');

create policy not_made_by_worker on shared.tenant as restrictive for insert to desk_gateway
    with check (session_user <> 'desk_worker');
create policy not_changed_by_worker on shared.tenant as restrictive for update to desk_gateway
    using (session_user <> 'desk_worker');
create policy not_made_by_worker on shared.integration as restrictive for insert to desk_gateway
    with check (session_user <> 'desk_worker');
create policy not_changed_by_worker on shared.integration as restrictive for update to desk_gateway
    using (session_user <> 'desk_worker');
