-- Gives orders to whoever states just what is stored: 1 tenant, 2 order ids, 3 whose they are, 4 the import that states them
-- now, or nothing for a shop's system. What was replaced by the one before is what the new one leaves.
with taken as (
    update platform.order o set import_id = $4
    from unnest($2::text[], $3::uuid[]) as u (order_id, owner)
    where o.tenant_id = $1 and o.order_id = u.order_id and o.import_id = u.owner
    returning o.order_id, u.owner
)
update platform.order_prior p set import_id = $4
from taken t
where $4::uuid is not null and p.tenant_id = $1 and p.import_id = t.owner and p.order_id = t.order_id
  and not exists (select from platform.order_prior other
                  where other.tenant_id = $1 and other.import_id = $4 and other.order_id = t.order_id)
