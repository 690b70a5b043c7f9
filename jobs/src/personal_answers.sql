-- Kept answers of a tenant that name a person, among the next ones by key; and the last of those that were looked at, or null
-- when there are none.
-- Parameters: 1 tenant, 2 after this key, 3 ids, 4 patterns in small letters, 5 a regular expression or null, 6 how many, 7 patterns that
-- must be there for the expression to be tried.
with page as materialized (
    select key, concat_ws(' ', key, answer) as document
    from jobs.idempotency where tenant_id = $1 and key > $2 order by key limit $6
),
-- Ids stand between quotes, or are parts of a path.
named as (
    select p.key from page p cross join lateral regexp_split_to_table(p.document, '["/?]') as w (word)
    join (select distinct unnest($3::text[])) as n (word) on n.word = w.word
    where cardinality($3::text[]) > 0
),
told as (
    select p.key from page p where lower(p.document) like any ($4) or (p.document like any ($7) and p.document ~ $5)
)
select (select max(key) from page) as last,
       array(select key from (select key from named union select key from told) as either (key) order by key) as found
