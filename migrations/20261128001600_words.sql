-- Words for people: what a tenant calls its archetypes, and where each customer stands among the others.

-- Two bytes an axis: at least so many per cent of the customers are below, and above; 255 is unknown. Null in rows that
-- were written before.
alter table platform.customer_insight add column places bytea;

-- What the tenant calls an archetype instead of the name that was chosen by rules.
create table platform.archetype_name (
    tenant_id       uuid not null references shared.tenant (id),
    segmentation_id uuid not null references platform.segmentation (id),
    -- 32 hexadecimal digits, as in the segmentation's catalog.
    archetype_id    text not null,
    name            text not null,
    named_at        timestamptz not null,
    -- The version whose name was taken over, when nobody gave it in this one.
    taken_from      uuid,
    primary key (tenant_id, segmentation_id, archetype_id),
    constraint archetype_name_length check (char_length(name) between 1 and 40)
);
create unique index archetype_name_once on platform.archetype_name (tenant_id, segmentation_id, lower(name));

alter table platform.archetype_name enable row level security;
create policy own_tenant on platform.archetype_name to desk_platform, desk_support, desk_marketing
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on platform.archetype_name to desk_platform;
grant select on platform.archetype_name to desk_support, desk_marketing;
