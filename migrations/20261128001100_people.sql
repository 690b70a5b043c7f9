-- People who sign in: their logins, sessions, links for invitations and resets, and sign-ins at other systems that are
-- under way. No secret of theirs is stored: a password is an argon2id hash, and what sessions, links and sign-ins are
-- known by outside is made of their ids under a key that is not in the database.

create table shared.login (
    -- The person: the same id as in support_app.agent.
    id              uuid primary key,
    tenant_id       uuid not null references shared.tenant (id),
    name            text not null,
    -- As `accounts::people::email` writes it, so that it is unique whatever its case.
    email           text not null,
    role            text not null,
    -- Argon2id in the PHC form; null until the invitation is accepted.
    password_hash   text,
    password_set_at timestamptz,
    -- Failed sign-ins since `failed_since`.
    failed_count    integer not null default 0,
    failed_since    timestamptz,
    last_login_at   timestamptz,
    created_at      timestamptz not null default now(),
    disabled_at     timestamptz,
    constraint login_email_once unique (tenant_id, email),
    constraint login_email_length check (char_length(email) between 3 and 320),
    constraint login_name_length check (char_length(name) between 1 and 200),
    constraint login_role_known check (role in ('viewer', 'agent', 'senior_agent', 'team_lead', 'manager', 'admin'))
);

create table shared.session (
    id            uuid primary key,
    tenant_id     uuid not null references shared.tenant (id),
    login_id      uuid not null references shared.login (id),
    -- Goes into every refresh token of the session; of no use without the key.
    seed          uuid not null,
    -- Which refresh token is the current one.
    generation    bigint not null default 1,
    rotated_at    timestamptz not null,
    created_at    timestamptz not null,
    -- When it ends by itself, whatever is done in it.
    expires_at    timestamptz not null,
    ended_at      timestamptz,
    -- logout, everywhere, reuse, password, disabled.
    ended_because text
);
create index session_by_login on shared.session (login_id) where ended_at is null;
create index session_by_expiry on shared.session (expires_at);

create table shared.login_token (
    id         uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    login_id   uuid not null references shared.login (id),
    purpose    text not null,
    -- Who asked for it; null when the person did.
    made_by    text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz,
    constraint login_token_purpose_known check (purpose in ('invitation', 'reset'))
);
create index login_token_by_login on shared.login_token (login_id) where used_at is null;
create index login_token_by_expiry on shared.login_token (expires_at);

create table shared.oidc_flow (
    -- SHA-256 of the `state` that goes through the browser.
    state_hash     bytea primary key,
    tenant_id      uuid not null references shared.tenant (id),
    -- Nonce and verifier, sealed.
    sealed_secrets bytea not null,
    -- SHA-256 of the cookie of the browser that began.
    browser_hash   bytea not null,
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    used_at        timestamptz
);
create index oidc_flow_by_expiry on shared.oidc_flow (expires_at);

-- What a tenant's own reading of its trail filters by.
create index audit_by_actor on shared.audit (tenant_id, actor, at desc, id desc);
create index audit_by_action on shared.audit (tenant_id, action, at desc, id desc);
create index audit_by_subject on shared.audit (tenant_id, subject, at desc, id desc);

-- Deletes some of what has expired for good, for the gateway, which has no right to delete anything. Sessions stay for a
-- month after their end, for whoever asks what happened.
create function shared.sweep_sign_ins(before timestamptz) returns void
    language sql volatile security definer set search_path = pg_catalog
as $sweep$
    delete from shared.oidc_flow where state_hash in
        (select state_hash from shared.oidc_flow where expires_at < before order by expires_at limit 100
         for update skip locked);
    delete from shared.login_token where id in
        (select id from shared.login_token where expires_at < before - interval '30 days' order by expires_at limit 100
         for update skip locked);
    delete from shared.session where id in
        (select id from shared.session where expires_at < before - interval '30 days' order by expires_at limit 100
         for update skip locked);
$sweep$;
revoke execute on function shared.sweep_sign_ins(timestamptz) from public;
grant execute on function shared.sweep_sign_ins(timestamptz) to desk_gateway;

do $policies$
declare
    name text;
begin
    foreach name in array array['login', 'session', 'login_token', 'oidc_flow'] loop
        execute format('alter table shared.%I enable row level security', name);
        -- Signing in begins before the tenant is known.
        execute format('create policy gateway on shared.%I to desk_gateway using (true) with check (true)', name);
        -- A worker parses what strangers send, so it neither makes nor reads credentials.
        execute format(
            'create policy not_by_worker on shared.%I as restrictive to desk_gateway '
            'using (session_user <> ''desk_worker'') with check (session_user <> ''desk_worker'')', name);
    end loop;
end
$policies$;

grant select, insert on shared.login, shared.session, shared.login_token, shared.oidc_flow to desk_gateway;
grant update (name, email, role, password_hash, password_set_at, failed_count, failed_since, last_login_at, disabled_at)
    on shared.login to desk_gateway;
grant update (generation, rotated_at, ended_at, ended_because) on shared.session to desk_gateway;
grant update (used_at) on shared.login_token, shared.oidc_flow to desk_gateway;
