-- What was erased or redacted stays so in what came with mail and with the help desk's two sides, whoever tells it again.

create or replace function support_app.message_stays_redacted() returns trigger
    language plpgsql
as $stays$
begin
    new.body_text := old.body_text;
    new.body_html := null;
    new.stripped_text := null;
    return new;
end
$stays$;
drop trigger message_redacted on support_app.message;
create trigger message_redacted before update of body_text, body_html, stripped_text on support_app.message
    for each row when (old.redacted_at is not null) execute function support_app.message_stays_redacted();

-- What both sides agree on names no tag that an erased ticket has not.
create function support_app.base_stays_erased() returns trigger
    language plpgsql
as $stays$
declare
    kept text[];
begin
    select t.tags into kept from support_app.ticket t where t.id = new.ticket_id and t.erased_at is not null;
    if found then
        new.tags := array(select x.tag from unnest(new.tags) with ordinality x (tag, n) where x.tag = any (kept) order by x.n);
    end if;
    return new;
end
$stays$;
create trigger base_erased before insert or update of tags on support_app.help_desk_base
    for each row execute function support_app.base_stays_erased();

-- Nor does what differed.
create function support_app.tags_among(told jsonb, kept text[]) returns jsonb
    language sql immutable
    return case when jsonb_typeof(told) = 'array' then (
        select coalesce(jsonb_agg(x.tag order by x.n), '[]')
        from jsonb_array_elements_text(told) with ordinality x (tag, n) where x.tag = any (kept)
    ) else told end;

create function support_app.difference_stays_erased() returns trigger
    language plpgsql
as $stays$
declare
    kept text[];
begin
    select t.tags into kept from support_app.ticket t where t.id = new.ticket_id and t.erased_at is not null;
    if found then
        new.ours := support_app.tags_among(new.ours, kept);
        new.theirs := support_app.tags_among(new.theirs, kept);
        new.merged := support_app.tags_among(new.merged, kept);
    end if;
    return new;
end
$stays$;
create trigger difference_erased before insert on support_app.help_desk_difference
    for each row when (new.field = 'tags') execute function support_app.difference_stays_erased();
