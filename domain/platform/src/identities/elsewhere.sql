-- Who is meant by ids, addresses and numbers, where it is not the customer of that id. Parameters: 1 tenant, 2 texts, 3 their
-- kinds (shop, email, phone). Answers the place of the text among the parameters, from 1, and the customer.
with asked as (
    select place, value, kind from unnest($2::text[], $3::text[]) with ordinality as u (value, kind, place)
)
-- An id that was merged is another id of somebody's, and of one person only.
select place, i.customer_id
from asked join platform.customer_identity i on i.tenant_id = $1 and i.kind = 'shop' and i.value = asked.value
union all
-- An address or number that is one customer's.
select place, min(i.customer_id)
from asked join platform.customer_identity i on i.tenant_id = $1 and i.kind = asked.kind and i.value = asked.value
where asked.kind <> 'shop'
  and not exists (select from platform.customer_identity s
                  where s.tenant_id = $1 and s.kind = 'shop' and s.value = asked.value)
  -- Whoever is stored under the address itself shares it.
  and not exists (select from platform.customer c where c.tenant_id = $1 and c.customer_id = asked.value)
group by place having count(*) = 1
