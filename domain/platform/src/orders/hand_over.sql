-- Gives what an import stated to another one that states the same: the orders of the next batch that somebody confirmed.
-- Parameters: 1 tenant, 2 import, 3 the batch before. Answers the batch and how many orders were given; nothing at the end.
-- The one that confirmed first is asked first, so that whoever confirmed later is still known when that one is taken back.
with noted as materialized (
    select id, import_id, order_ids, contents
    from platform.order_confirmed
    where tenant_id = $1 and id > $3 and import_id <> $2
    order by id limit 1
),
told as materialized (
    select n.import_id as heir, u.order_id, u.content
    from noted n
    cross join lateral unnest(n.order_ids, n.contents) as u (order_id, content)
),
stands as (
    update platform.order o set import_id = t.heir
    from told t
    where o.tenant_id = $1 and o.order_id = t.order_id and o.import_id = $2 and o.content = t.content
    returning o.order_id, t.heir
),
-- What made room for something newer, and would be what that one leaves.
replaced as (
    update platform.order_prior p
    set of_import = t.heir, header = jsonb_set(p.header, '{import_id}', to_jsonb(t.heir))
    from told t
    where p.tenant_id = $1 and p.of_import = $2 and p.order_id = t.order_id and p.import_id <> t.heir
      and (p.header ->> 'content')::uuid = t.content
    returning p.order_id, t.heir
),
given as materialized (
    select order_id, heir from stands union select order_id, heir from replaced
),
-- What the import had replaced is what its heir leaves.
before as (
    update platform.order_prior p set import_id = g.heir
    from given g
    where p.tenant_id = $1 and p.import_id = $2 and p.order_id = g.order_id
      and not exists (select from platform.order_prior other
                      where other.tenant_id = $1 and other.import_id = g.heir and other.order_id = g.order_id)
)
select n.id, (select count(*) from given) as orders from noted n
