-- Puts a token where packed snapshots name customers. A snapshot's bounds are ids of its customers, and looking one up goes
-- by them; so a bound that goes becomes that of the neighbour who stays.
-- Parameters: 1 the shop's ids, 2 the token.
with theirs as (
    -- Bounds are compared before long lists are read.
    select distinct p.tenant_id, p.grain, p.taken_on, p.first_customer
    from unnest($1::text[]) as i (id)
    join platform.profile_snapshot p on p.first_customer <= i.id and p.last_customer >= i.id and i.id = any(p.customers)
    where p.tenant_id = (select shared.current_tenant())
),
hit as (
    select p.tenant_id, p.grain, p.taken_on, p.first_customer, r.customers, r.lowest, r.highest
    from theirs join platform.profile_snapshot p using (tenant_id, grain, taken_on, first_customer)
    cross join lateral (
        select array_agg(case when c.id = any($1) then $2 else c.id end order by c.place) as customers,
               min(c.id) filter (where c.id <> all($1)) as lowest, max(c.id) filter (where c.id <> all($1)) as highest
        from unnest(p.customers) with ordinality as c (id, place)
    ) r
)
update platform.profile_snapshot p set
    customers = h.customers, first_customer = coalesce(h.lowest, $2), last_customer = coalesce(h.highest, $2)
from hit h
where p.tenant_id = h.tenant_id and p.grain = h.grain and p.taken_on = h.taken_on and p.first_customer = h.first_customer
