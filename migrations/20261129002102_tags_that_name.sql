-- Whether a word that the shop gave, as a tag is, tells who somebody is: an address, a number, an id or a whole name of theirs
-- stands in it, in whatever way such words are written (`Ann Example`, `ann-example`, `ann_example_vip`, `0170 / 123 45 67`).
-- Parts of a name do not: they are words of the language, or other people's.
-- `patterns` are those of addresses, numbers and long names for `like`, in small letters; numbers begin with a plus.
create function support_app.tells_who(word text, patterns text[], ids text[], addresses text[], names text[]) returns boolean
    language sql immutable
    return lower(word) like any (patterns)
        or word = any (ids)
        or exists (
            select from unnest(names) n (name)
            cross join lateral (select regexp_replace(lower(n.name), '[^[:alnum:]]+', '', 'g'),
                                       regexp_replace(lower(word), '[^[:alnum:]]+', '', 'g')) as x (bare, bare_word)
            where lower(btrim(word)) = lower(btrim(n.name))
               or length(x.bare) >= 2 and x.bare_word = x.bare
               or length(x.bare) >= 6 and btrim(n.name) like '% %' and strpos(x.bare_word, x.bare) > 0
        )
        or exists (
            select from unnest(addresses) a (address)
            cross join lateral (select regexp_replace(lower(a.address), '[^[:alnum:]]+', '', 'g'),
                                       regexp_replace(lower(word), '[^[:alnum:]]+', '', 'g')) as x (bare, bare_word)
            where length(x.bare) >= 6 and strpos(x.bare_word, x.bare) > 0
        )
        or exists (
            -- A number at home is written without its country, with a zero in front.
            select from unnest(patterns) p (pattern)
            cross join lateral (select btrim(p.pattern, '%+'),
                                       ltrim(regexp_replace(word, '[^0-9]+', '', 'g'), '0')) as x (digits, in_word)
            where p.pattern ~ '^%\+[0-9]{7,}%$' and length(x.in_word) >= 7
              and (strpos(x.in_word, x.digits) > 0 or right(x.digits, length(x.in_word)) = x.in_word)
        );
