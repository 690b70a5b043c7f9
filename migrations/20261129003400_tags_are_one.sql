-- A tag is one in whatever case it is written, and however its letters are composed (an e with its accent, or both in one). A
-- ticket has it once: a help desk that tells three spellings of it tells of one tag, and one that was given here too is
-- theirs. What is stored keeps its spelling, and is compared by this.
create function support_app.tag_key(tag text) returns text
    language sql immutable
    return lower(normalize(tag, nfc));

-- Of tags that are one the first.
create function support_app.tags_once(tags text[]) returns text[]
    language plpgsql immutable
as $once$
begin
    return (
        select coalesce(array_agg(y.tag order by y.place), '{}'::text[])
        from (
            select distinct on (support_app.tag_key(u.tag)) u.tag, u.place
            from unnest(tags_once.tags) with ordinality u (tag, place)
            order by support_app.tag_key(u.tag), u.place
        ) y
    );
end
$once$;

-- Theirs goes before ours, so the spelling is theirs.
create or replace function support_app.merged_tags(ours text[], base text[], theirs text[]) returns text[]
    language plpgsql immutable
as $merged$
begin
    return support_app.tags_once(array(
        select x.tag
        from (
            select u.tag, u.place from unnest(merged_tags.theirs) with ordinality u (tag, place)
            where not u.tag = any (merged_tags.base) or u.tag = any (merged_tags.ours)
            union all
            select u.tag, 100000 + u.place from unnest(merged_tags.ours) with ordinality u (tag, place)
            where not u.tag = any (merged_tags.base)
        ) x
        order by x.place
    ));
end
$merged$;

-- A ticket counts once for a tag, also one that is stored with several spellings of it. Whatever it is found by has a row.
create or replace function support_app.ticket_tagged() returns trigger
    language plpgsql
as $tagged$
declare
    before text[] := old.tags;
    after text[] := '{}';
    counted_before text[] := support_app.tags_once(old.tags);
    counted_after text[] := '{}';
begin
    -- Of a new ticket the triggers of its statement tell.
    if tg_op <> 'DELETE' then
        after := new.tags;
        counted_after := support_app.tags_once(new.tags);
    end if;
    insert into support_app.tag_delta (tenant_id, tag, delta)
    select old.tenant_id, c.tag, c.delta
    from (
        select g.tag, 1 as delta from (select unnest(counted_after) except select unnest(counted_before)) g (tag)
        union all
        select l.tag, -1 from (select unnest(counted_before) except select unnest(counted_after)) l (tag)
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

-- The function stays as it is but for the tags that it counts; most tickets come with one or none.
do $came$
declare
    before text := pg_get_functiondef('support_app.tickets_came()'::regprocedure);
    after text := replace(before, 'unnest(n.tags)',
        'unnest(case when cardinality(n.tags) > 1 then support_app.tags_once(n.tags) else n.tags end)');
begin
    if after = before then
        raise exception 'tickets_came() does not count tags as it did';
    end if;
    -- What is counted below was counted by the old one.
    lock table support_app.ticket in share row exclusive mode;
    execute after;
end
$came$;

-- What was counted too often.
insert into support_app.tag_delta (tenant_id, tag, delta)
select t.tenant_id, g.tag, -count(*)
from support_app.ticket t
cross join lateral (select unnest(t.tags) except select unnest(support_app.tags_once(t.tags))) g (tag)
where cardinality(t.tags) > 1
group by t.tenant_id, g.tag;
