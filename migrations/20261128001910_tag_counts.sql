-- How many tickets have each tag. A row a tag would be where everybody who tags a ticket waits for the others; so changes are
-- rows of their own, and are added to the counts now and then. Who reads adds up both.

create table support_app.tag_count (
    tenant_id uuid not null references shared.tenant (id),
    tag       text not null,
    tickets   bigint not null,
    primary key (tenant_id, tag)
);
create table support_app.tag_delta (
    id        bigint generated always as identity primary key,
    tenant_id uuid not null,
    tag       text not null,
    delta     integer not null
);
create index tag_delta_by_tenant on support_app.tag_delta (tenant_id);

create function support_app.ticket_tagged() returns trigger
    language plpgsql
as $tagged$
declare
    before text[] := '{}';
    after text[] := '{}';
begin
    if tg_op <> 'INSERT' then
        before := old.tags;
    end if;
    if tg_op <> 'DELETE' then
        after := new.tags;
    end if;
    insert into support_app.tag_delta (tenant_id, tag, delta)
    select coalesce(new.tenant_id, old.tenant_id), c.tag, c.delta
    from (
        select g.tag, 1 as delta from (select unnest(after) except select unnest(before)) g (tag)
        union all
        select l.tag, -1 from (select unnest(before) except select unnest(after)) l (tag)
    ) c;
    return null;
end
$tagged$;
create trigger ticket_tags_came after insert on support_app.ticket
    for each row when (new.tags <> '{}') execute function support_app.ticket_tagged();
create trigger ticket_tags_changed after update on support_app.ticket
    for each row when (old.tags is distinct from new.tags) execute function support_app.ticket_tagged();
create trigger ticket_tags_went after delete on support_app.ticket
    for each row when (old.tags <> '{}') execute function support_app.ticket_tagged();

-- Adds the changes to the counts, for the tenant of the transaction; one at a time.
create function support_app.fold_tags() returns void
    language plpgsql volatile
as $fold$
declare
    tenant uuid := shared.current_tenant();
begin
    perform pg_advisory_xact_lock(hashtextextended('tags:' || tenant, 0));
    with taken as (
        delete from support_app.tag_delta d where d.tenant_id = tenant returning d.tag, d.delta
    )
    insert into support_app.tag_count as c (tenant_id, tag, tickets)
    select tenant, t.tag, sum(t.delta) from taken t group by t.tag having sum(t.delta) <> 0 order by t.tag
    on conflict (tenant_id, tag) do update set tickets = c.tickets + excluded.tickets;
    delete from support_app.tag_count c where c.tenant_id = tenant and c.tickets <= 0;
end
$fold$;

do $policies$
declare
    name text;
begin
    foreach name in array array['tag_count', 'tag_delta'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on support_app.%I to desk_support', name);
    end loop;
end
$policies$;

-- What was there before.
insert into support_app.tag_count (tenant_id, tag, tickets)
select t.tenant_id, g.tag, count(*)
from support_app.ticket t cross join lateral (select distinct unnest(t.tags)) g (tag)
group by t.tenant_id, g.tag;
