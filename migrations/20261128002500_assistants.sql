-- What assistants of other makers need: calls of tools that take long, and the tenant of an issuer of tokens.

-- A call that a job makes, until its answer is handed over. Whoever may not wait any longer leaves it behind, and the next
-- call of the tenant takes it away.
create table questions_app.tool_call (
    id         uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    -- Who calls, as the trail names them.
    asked_by   text not null,
    -- By which name the client speaks of the call when it cancels it; none when it has no session.
    session    text,
    request    text not null,
    call       jsonb not null,
    -- What the credential that called may do.
    scopes     text[] not null,
    job_id     uuid not null,
    -- The answer as a worker made it; none while it is being made.
    answer     jsonb,
    expires_at timestamptz not null,
    constraint tool_call_session_length check (char_length(session) <= 200),
    constraint tool_call_request_length check (char_length(request) <= 200)
);
create index tool_call_by_expiry on questions_app.tool_call (tenant_id, expires_at);
create index tool_call_by_request on questions_app.tool_call (tenant_id, session, request);

alter table questions_app.tool_call enable row level security;
create policy own_tenant on questions_app.tool_call to desk_marketing
    using (tenant_id = (select shared.current_tenant())) with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on questions_app.tool_call to desk_marketing;

-- Tokens name their issuer, and the issuer whose tenant it is.
create index integration_by_issuer on shared.integration ((config ->> 'issuer')) where provider = 'oidc';
