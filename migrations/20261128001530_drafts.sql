-- What people make of drafts: chosen, edited, sent, judged. And recommendations for agents.

alter table support_app.draft
    -- Grows with each thing that a person does to it; its entity tag.
    add column version         bigint not null default 1,
    -- What the drafter wrote, once a person changed it.
    add column drafted_reply   text,
    add column chosen_by       text,
    add column edited_by       text,
    add column sent_at         timestamptz,
    add column sent_message_id uuid,
    -- How far what was sent is from what was drafted: 0 the same, 1 nothing in common.
    add column edit_distance   real,
    -- 1 good, -1 bad.
    add column thumb           smallint,
    add column thumb_reason    text,
    add column thumb_by        text,
    add constraint draft_thumb_known check (thumb in (-1, 1)),
    add constraint draft_thumb_reason_length check (char_length(thumb_reason) <= 1000),
    add constraint draft_edit_distance_range check (edit_distance between 0 and 1);
create index draft_by_time on support_app.draft (tenant_id, created_at);

create table support_app.recommendation (
    id                    uuid primary key,
    tenant_id             uuid not null references shared.tenant (id),
    ticket_id             uuid not null references support_app.ticket (id) on delete cascade,
    job_id                uuid not null,
    -- Names what it was made from; it is stale when the ticket's is another.
    basis                 text not null,
    priority              text not null,
    actions               text[] not null,
    talking_points        text[] not null,
    warnings              text[] not null,
    retention_probability real,
    -- Expected spend times the probability of leaving, in `currency`.
    revenue_at_risk       numeric(18, 2),
    currency              text,
    -- rules, or anthropic when a model chose the words.
    made_by               text not null,
    model                 text,
    remarks               text[] not null default '{}',
    created_at            timestamptz not null default now(),
    constraint recommendation_once_a_job unique (tenant_id, job_id),
    constraint recommendation_priority_known check (priority in ('urgent', 'high', 'normal', 'low')),
    constraint recommendation_maker_known check (made_by in ('rules', 'anthropic')),
    constraint recommendation_actions_bounded check (cardinality(actions) between 2 and 4),
    constraint recommendation_points_bounded check (cardinality(talking_points) between 3 and 5),
    constraint recommendation_retention_range check (retention_probability between 0 and 1)
);
create index recommendation_by_ticket on support_app.recommendation (ticket_id, created_at desc, id desc);

alter table support_app.recommendation enable row level security;
create policy own_tenant on support_app.recommendation to desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on support_app.recommendation to desk_support;
