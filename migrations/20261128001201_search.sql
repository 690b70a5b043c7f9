-- Full-text search over tickets: subject, messages and notes, customer, tags and number, in the tenant's languages.
--
-- The words of a ticket are a row of their own, because a ticket changes often and its words seldom. The tenant is one of
-- the words: an index of words alone would look through what other tenants wrote. Row policies keep operators such as @@
-- out of an index, because these might leak; so the search is a function with its owner's rights, which takes the tenant
-- from the transaction and from nothing else.

create table support_app.ticket_search (
    ticket_id   uuid primary key references support_app.ticket (id) on delete cascade,
    tenant_id   uuid not null references shared.tenant (id),
    -- The time of the newest message: the order of what is found.
    at          timestamptz not null,
    -- Of what the words were made.
    source_hash text not null,
    document    tsvector not null
);
create index ticket_search_words on support_app.ticket_search using gin (document)
    with (fastupdate = on, gin_pending_list_limit = 256);
create index ticket_search_newest on support_app.ticket_search (tenant_id, at desc, ticket_id desc);

alter table support_app.ticket_search enable row level security;
create policy own_tenant on support_app.ticket_search to desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on support_app.ticket_search to desk_support;

-- A text's words in the given languages, and as they are.
create function support_app.words_of(body text, languages text[]) returns tsvector
    language plpgsql stable
as $words$
declare
    all_words tsvector := to_tsvector('simple', coalesce(body, ''));
    language text;
begin
    foreach language in array languages loop
        all_words := all_words || to_tsvector(language::regconfig, coalesce(body, ''));
    end loop;
    return all_words;
end
$words$;

-- Brings a ticket's words up to date, if they changed.
create function support_app.refresh_search(ticket uuid) returns void
    language plpgsql volatile
as $refresh$
begin
    with source as (
        select t.id, t.tenant_id, t.number, t.subject, t.tags, t.customer_id, t.customer_email, t.customer_name,
               coalesce(t.last_message_at, t.created_at) as at, coalesce(s.search_languages, '{english}') as languages,
               md5(concat_ws('|', t.subject, t.tags::text, t.customer_id, t.customer_email, t.customer_name,
                   s.search_languages::text, m.many, m.newest, m.length)) as hash
        from support_app.ticket t
        left join support_app.ticket_setting s on s.tenant_id = t.tenant_id
        cross join lateral (
            select count(*) as many, max(x.created_at) as newest, sum(length(x.body_text)) as length
            from support_app.message x where x.ticket_id = t.id and x.delivery is distinct from 'withdrawn'
        ) m
        where t.id = refresh_search.ticket
    )
    insert into support_app.ticket_search as k (ticket_id, tenant_id, at, source_hash, document)
    select s.id, s.tenant_id, s.at, s.hash,
           array_to_tsvector(array['tenant=' || s.tenant_id, '#' || s.number])
           || setweight(support_app.words_of(s.subject, s.languages), 'A')
           || setweight(to_tsvector('simple', concat_ws(' ', array_to_string(s.tags, ' '), s.customer_name,
                                                         s.customer_email, s.customer_id)), 'B')
           || support_app.words_of(b.body, s.languages)
    from source s
    cross join lateral (
        -- The newest messages; a tsvector has at most a megabyte, and each language adds its own words.
        select left(string_agg(left(y.body_text, 8000), ' '), 100000 / (cardinality(s.languages) + 1)) as body
        from (
            select x.body_text from support_app.message x
            where x.ticket_id = s.id and x.delivery is distinct from 'withdrawn'
            order by x.sent_at desc, x.id desc limit 200
        ) y
    ) b
    where not exists (select from support_app.ticket_search k where k.ticket_id = s.id and k.source_hash = s.hash)
    on conflict (ticket_id) do update set
        at = excluded.at, source_hash = excluded.source_hash, document = excluded.document;
end
$refresh$;

-- What is looked for: every term, each as it is or in one of the languages. kinds: word, prefix, phrase. Null when no
-- word is left.
create function support_app.search_query(terms text[], kinds text[], languages text[]) returns tsquery
    language plpgsql stable
as $query$
declare
    whole tsquery;
    one tsquery;
    part tsquery;
    language text;
begin
    for i in 1..cardinality(terms) loop
        one := null;
        foreach language in array array['simple'] || languages loop
            part := case kinds[i] when 'phrase' then phraseto_tsquery(language::regconfig, terms[i])
                                  else plainto_tsquery(language::regconfig, terms[i]) end;
            if numnode(part) > 0 then
                one := case when one is null then part else one || part end;
            end if;
        end loop;
        -- A last word may be unfinished.
        if kinds[i] = 'prefix' and one is not null then
            part := to_tsquery('simple', '''' || replace(replace(terms[i], '\', '\\'), '''', '''''') || ''':*');
            if numnode(part) > 0 then
                one := one || part;
            end if;
        end if;
        if one is not null then
            whole := case when whole is null then one else whole && one end;
        end if;
    end loop;
    return whole;
end
$query$;

-- Tickets that match, the newest first, from behind a place. What is frequent is found among the newest tickets; what is
-- not is rare enough for the index of words.
create function support_app.search_tickets(query tsquery, before_at timestamptz, before_id uuid, how_many integer)
    returns table (ticket_id uuid, at timestamptz)
    -- Both ways have an index, and an estimate that is off must not lead past them.
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off
as $search$
declare
    tenant uuid := shared.current_tenant();
    words tsquery;
    so_far integer;
begin
    if tenant is null or query is null then
        return;
    end if;
    words := (quote_literal('tenant=' || tenant))::tsquery && query;
    return query execute
        'select n.ticket_id, n.at from (
             select k.ticket_id, k.at, k.document from support_app.ticket_search k
             where k.tenant_id = $1 and ($2 is null or (k.at, k.ticket_id) < ($2, $3))
             order by k.at desc, k.ticket_id desc limit 1000
         ) n where n.document @@ $4 order by n.at desc, n.ticket_id desc limit $5'
        using tenant, before_at, before_id, query, how_many;
    get diagnostics so_far = row_count;
    if so_far >= how_many then
        return;
    end if;
    -- Beyond those newest ones by the index of words.
    return query execute
        'with last as materialized (
             select k.ticket_id, k.at from support_app.ticket_search k
             where k.tenant_id = $1 and ($2 is null or (k.at, k.ticket_id) < ($2, $3))
             order by k.at desc, k.ticket_id desc offset 999 limit 1
         ), hits as materialized (
             select k.ticket_id, k.at from support_app.ticket_search k
             where k.tenant_id = $1 and k.document @@ $4
         )
         select h.ticket_id, h.at from hits h join last l on (h.at, h.ticket_id) < (l.at, l.ticket_id)
         order by h.at desc, h.ticket_id desc limit $5'
        using tenant, before_at, before_id, words, how_many - so_far;
end
$search$;
revoke all on function support_app.search_tickets(tsquery, timestamptz, uuid, integer) from public;
grant execute on function support_app.search_tickets(tsquery, timestamptz, uuid, integer) to desk_support;

-- What was there before.
select support_app.refresh_search(t.id) from support_app.ticket t;
