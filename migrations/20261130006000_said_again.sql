-- The same words at another time are another message. A webhook's template may give messages no id, or one for all of them:
-- a customer who said "ok" twice had said it once then, and an agent's answer in between was the last word.

-- What is compared of a text: its letters. A mark between two digits is part of their number: 5.5 is not 55.
create or replace function support_app.letters_of(written text) returns text
    language sql immutable parallel safe
as $letters$
    select coalesce(
        nullif(regexp_replace(lower(written), '[[:space:]]+|(?<![0-9])[[:punct:]]|[[:punct:]](?![0-9])', '', 'g'), ''),
        written)
$letters$;

-- As in 20261129004830_other_words, but that a message is looked for under each id that it may have: its own, that of its
-- text (`text_id`), that of its text at its own time (`again_id`). The first of them under which there is nothing, or this very
-- message, is its id.
create or replace function support_app.told_apart(tenant uuid, ticket uuid, messages jsonb) returns jsonb
    language plpgsql volatile
as $apart$
declare
    around uuid[];
    named jsonb;
begin
    with recursive before (id) as (
        select told_apart.ticket
        union
        select n.id
        from before b join support_app.ticket t on t.id = b.id
        cross join lateral unnest(array[t.merged_into, t.follow_up_of]) n (id)
        where n.id is not null
    )
    select array(
        select b.id from before b
        union
        select s.id from before b join support_app.ticket s on s.split_from = b.id
    ) into around;
    select jsonb_object_agg(n.id, c.id) filter (where c.id <> n.external_id) into named
    from jsonb_to_recordset(messages) as n (
        id uuid, external_id text, text_id text, again_id text, from_agent boolean, body_text text,
        without_history text, sent_at timestamptz, is_timed boolean)
    cross join lateral (
        select coalesce(
            (select u.id
             from unnest(array[n.external_id, n.text_id, n.again_id]) with ordinality u (id, place)
             where u.id is not null and (
                 not exists (
                     select from support_app.message m
                     where m.tenant_id = told_apart.tenant and m.ticket_id = any (around) and m.external_id = u.id)
                 or exists (
                     select from support_app.message m
                     where m.tenant_id = told_apart.tenant and m.ticket_id = any (around) and m.external_id = u.id
                       and case
                           -- What was erased, and what went out from here, is no other one.
                           when m.body_text in ('', '[erased]') or m.delivery is not null then true
                           -- Without an id of its own a text is said again whenever its time is another. Under an id
                           -- it is, or what an agent wrote is another text, when the other side spoke in between: one
                           -- message may be told of by several of its times.
                           when n.is_timed and n.external_id like 'text:%' and m.sent_at <> n.sent_at then false
                           when n.is_timed and m.sent_at < n.sent_at and m.from_agent = n.from_agent and exists (
                               select from support_app.message o
                               where o.ticket_id = any (around) and not o.internal
                                 and o.from_agent <> n.from_agent
                                 and o.sent_at > m.sent_at and o.sent_at < n.sent_at) then false
                           when m.body_text = n.body_text or m.from_agent and n.from_agent then true
                           -- The same text that was changed has the same time.
                           when n.is_timed and m.sent_at = n.sent_at then true
                           when support_app.letters_of(m.body_text) in (
                               support_app.letters_of(n.body_text), support_app.letters_of(n.without_history)) then true
                           -- What is stored goes on with what it answers, which is not told this time.
                           else starts_with(support_app.letters_of(m.body_text), support_app.letters_of(n.body_text))
                                and m.body_text ~ '(^|\n)[ \t]*>|:[ \t]*(\n|$)'
                       end))
             order by u.place limit 1),
            n.again_id, n.text_id) as id
    ) c
    where n.text_id is not null
      and exists (
          select from support_app.message m
          where m.tenant_id = told_apart.tenant and m.ticket_id = any (around) and m.external_id = n.external_id);
    if named is null then
        return messages;
    end if;
    return (
        select jsonb_agg(case when named ? (m.document ->> 'id')
                              then m.document || jsonb_build_object('external_id', named -> (m.document ->> 'id'))
                              else m.document end order by m.place)
        from jsonb_array_elements(messages) with ordinality m (document, place));
end
$apart$;
