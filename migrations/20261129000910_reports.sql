-- Answers of tools about many customers, as they were computed last: every process finds them, and whoever asks first in the
-- morning does not wait. Customers are in them by anonymised ids alone.

create table questions_app.report (
    tenant_id uuid not null references shared.tenant (id),
    -- Digest of the call, the threshold of small groups, and what names in the call stood for.
    key       bytea not null,
    -- Of the shop's data that it was computed from.
    version   text not null,
    whole     jsonb not null,
    made_at   timestamptz not null,
    primary key (tenant_id, key),
    constraint report_key_length check (octet_length(key) = 32)
);
create index report_by_age on questions_app.report (tenant_id, made_at);

alter table questions_app.report enable row level security;
create policy own_tenant on questions_app.report to desk_marketing
    using (tenant_id = (select shared.current_tenant())) with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on questions_app.report to desk_marketing;
