-- Jobs of a tenant whose documents name a person, among the next ones by id; and the last of those that were looked at, or
-- null when there are none.
-- Parameters: 1 tenant, 2 after this id, 3 the job that looks, 4 ids, 5 patterns in small letters, 6 a regular expression or
-- null, 7 how many, 8 patterns that must be there for the expression to be tried.
with page as materialized (
    select id, DOCUMENT as document
    from TABLE where tenant_id = $1 and id > $2 order by id limit $7
),
-- Ids stand between quotes; one join finds all of them, however many there are.
named as (
    select p.id from page p cross join lateral unnest(string_to_array(p.document, '"')) as w (word)
    join (select distinct unnest($4::text[])) as n (word) on n.word = w.word
    where cardinality($4::text[]) > 0
),
told as (
    select p.id from page p where lower(p.document) like any ($5) or (p.document like any ($8) and p.document ~ $6)
)
select (select max(id::text)::uuid from page) as last,
       array(select id from (select id from named union select id from told) as either (id) where id <> $3 order by id) as found
