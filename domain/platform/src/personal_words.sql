-- Everything that one customer is known by. Parameter: 1 the shop's id of the customer, merged into nobody.
with
tenant as materialized (select shared.current_tenant() as id),
-- Merges are flat: everybody who was merged names the last one. Undone ones are other customers again.
ids as (
    select customer_id from platform.customer c
    where c.tenant_id = (select id from tenant) and (c.customer_id = $1 or c.merged_into = $1)
    union
    select m.merged from platform.customer_merge m
    where m.tenant_id = (select id from tenant) and m.kept = $1 and m.undone_at is null
),
known as (
    select i.kind, i.value from platform.customer_identity i
    where i.tenant_id = (select id from tenant) and (i.customer_id in (select customer_id from ids) or i.customer_id = $1)
    union
    select k.kind, k.value from platform.customer c
    cross join lateral (values ('email', lower(c.email)), ('phone', c.phone), ('name', c.name)) k (kind, value)
    where c.tenant_id = (select id from tenant) and c.customer_id in (select customer_id from ids) and k.value is not null
),
-- What another customer has as well says nothing of whose it is.
own as (
    select k.kind, k.value from known k
    where k.kind in ('name', 'shop') or not exists (
        select from platform.customer_identity o
        where o.tenant_id = (select id from tenant) and o.kind = k.kind and o.value = k.value
          and o.customer_id <> $1 and o.customer_id not in (select customer_id from ids))
)
select array(select customer_id from ids where customer_id <> $1
             union select value from own where kind = 'shop' and value <> $1) as merged,
       array(select value from own where kind = 'email') as emails,
       array(select value from own where kind = 'phone') as phones,
       array(select value from own where kind = 'desk') as desk_ids,
       array(select value from own where kind = 'name') as names
