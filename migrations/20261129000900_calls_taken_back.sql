-- Calls of tools that their client took back before a job was at them: the process that begins the job may be another than
-- the one that was told.

create table questions_app.call_taken_back (
    tenant_id  uuid not null references shared.tenant (id),
    -- Who called, as the trail names them.
    asked_by   text not null,
    -- By which name the client speaks of itself, and its number of the request.
    session    text not null,
    request    text not null,
    expires_at timestamptz not null,
    primary key (tenant_id, session, request, asked_by),
    constraint call_taken_back_session_length check (char_length(session) <= 200),
    constraint call_taken_back_request_length check (char_length(request) <= 200)
);
create index call_taken_back_by_expiry on questions_app.call_taken_back (tenant_id, expires_at);

alter table questions_app.call_taken_back enable row level security;
create policy own_tenant on questions_app.call_taken_back to desk_marketing
    using (tenant_id = (select shared.current_tenant())) with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on questions_app.call_taken_back to desk_marketing;
