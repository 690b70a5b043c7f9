-- Lists of what few tickets have, found without a walk through all the others: what nobody has, what is urgent, what was
-- set aside, and what has a tag.

-- In a desk that keeps up, few of the tickets in work are nobody's.
create index ticket_smart_unassigned on support_app.ticket (tenant_id, rank desc, id desc)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null
      and assignee_id is null;
create index ticket_smart_by_priority on support_app.ticket (tenant_id, priority, rank desc, id desc)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null;
create index ticket_set_aside on support_app.ticket (tenant_id, created_at desc, id desc)
    where is_spam or suspended_reason is not null;
create index ticket_archived on support_app.ticket (tenant_id, created_at desc, id desc) where archived_at is not null;

-- A ticket's tags, a row each. With row security no operator of arrays gets into an index, because these might leak; a
-- comparison of texts does. The key is the order of the newest tickets with a tag. There is no foreign key: the triggers
-- that count tags keep it, and who reads it reads the tickets too. A tag that is longer than any help desk has them would
-- not fit into the key; it is left out.
create table support_app.ticket_tag (
    tenant_id  uuid not null,
    tag        text not null,
    -- The ticket's, which never changes.
    created_at timestamptz not null,
    ticket_id  uuid not null,
    primary key (tenant_id, tag, created_at, ticket_id)
);
alter table support_app.ticket_tag enable row level security;
create policy own_tenant on support_app.ticket_tag to desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on support_app.ticket_tag to desk_support;

create or replace function support_app.ticket_tagged() returns trigger
    language plpgsql
as $tagged$
declare
    before text[] := old.tags;
    after text[] := '{}';
begin
    -- Of a new ticket the triggers of its statement tell.
    if tg_op <> 'DELETE' then
        after := new.tags;
    end if;
    insert into support_app.tag_delta (tenant_id, tag, delta)
    select old.tenant_id, c.tag, c.delta
    from (
        select g.tag, 1 as delta from (select unnest(after) except select unnest(before)) g (tag)
        union all
        select l.tag, -1 from (select unnest(before) except select unnest(after)) l (tag)
    ) c;
    delete from support_app.ticket_tag k
    where k.tenant_id = old.tenant_id and k.created_at = old.created_at and k.ticket_id = old.id
      and k.tag = any (array(select unnest(before) except select unnest(after)));
    insert into support_app.ticket_tag (tenant_id, tag, created_at, ticket_id)
    select old.tenant_id, g.tag, old.created_at, old.id
    from (select unnest(after) except select unnest(before)) g (tag)
    where octet_length(g.tag) <= 1024
    on conflict do nothing;
    return null;
end
$tagged$;

create function support_app.tags_came() returns trigger
    language plpgsql
as $came$
begin
    insert into support_app.ticket_tag (tenant_id, tag, created_at, ticket_id)
    select distinct n.tenant_id, g.tag, n.created_at, n.id
    from added n cross join lateral unnest(n.tags) g (tag)
    where octet_length(g.tag) <= 1024
    on conflict do nothing;
    return null;
end
$came$;
create trigger ticket_tags_listed after insert on support_app.ticket
    referencing new table as added
    for each statement execute function support_app.tags_came();

-- What was there before, and nothing in between: whoever makes a trigger holds off those who write.
insert into support_app.ticket_tag (tenant_id, tag, created_at, ticket_id)
select t.tenant_id, g.tag, t.created_at, t.id
from support_app.ticket t cross join lateral (select distinct unnest(t.tags)) g (tag)
where octet_length(g.tag) <= 1024;
