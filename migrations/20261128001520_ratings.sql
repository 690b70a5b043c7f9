-- What customers say of the help that they got: 1 to 5, one a resolution of a ticket.

create table support_app.rating (
    id          uuid primary key,
    tenant_id   uuid not null references shared.tenant (id),
    ticket_id   uuid not null references support_app.ticket (id) on delete cascade,
    -- How many times the ticket had been resolved when it was given; 0 is before the first.
    resolution  integer not null,
    score       smallint not null,
    comment     text,
    -- api: a program told it; agent: a person did, for the customer; link: the customer did; gorgias: a survey there.
    source      text not null,
    given_by    text not null,
    external_id text,
    -- Whose ticket it was.
    agent_id    uuid,
    given_at    timestamptz not null,
    created_at  timestamptz not null default now(),
    constraint rating_once_a_resolution unique (ticket_id, resolution),
    constraint rating_score_range check (score between 1 and 5),
    constraint rating_source_known check (source in ('api', 'agent', 'link', 'gorgias')),
    constraint rating_comment_length check (char_length(comment) <= 2000)
);
create index rating_by_time on support_app.rating (tenant_id, given_at desc, id desc);

-- Resolved tickets by day, for reports.
create index ticket_by_resolution on support_app.ticket (tenant_id, resolved_at) where resolved_at is not null;

alter table support_app.rating enable row level security;
create policy own_tenant on support_app.rating to desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on support_app.rating to desk_support;
