-- Customers of the same archetype whose ids are near the customer's: a bounded number of rows is looked at, whatever
-- the size of the tenant.
-- Parameters: 1 generation, 2 customer, 3 archetype, 4 its level, 5 rows to look at in either direction,
-- 6 customers to answer at most.
with
-- Ids have nothing to do with behaviour, so neighbours by id are a fair sample; small tenants are covered whole.
after as (
    select customer_id, archetype_l1, archetype_l2, churn, ltv from platform.customer_fact
    where tenant_id = shared.current_tenant() and generation = $1 and customer_id > $2
    order by customer_id limit $5
),
before as (
    select customer_id, archetype_l1, archetype_l2, churn, ltv from platform.customer_fact
    where tenant_id = shared.current_tenant() and generation = $1 and customer_id < $2
    order by customer_id desc limit $5
),
alike as (
    select customer_id, churn, ltv from (select * from after union all select * from before) looked
    where case $4 when 1 then archetype_l1 else archetype_l2 end = $3
    limit $6
)
-- At least one row, so that the answer can say whether everybody was looked at although nobody is alike.
select a.customer_id, a.churn, a.ltv, a.memberships, w.is_complete
from (select (select count(*) from after) < $5 and (select count(*) from before) < $5
             and (select count(*) from alike) < $6 as is_complete) w
left join (
    select alike.customer_id, alike.churn, alike.ltv, i.memberships
    from alike join platform.customer_insight i
      on i.tenant_id = shared.current_tenant() and i.generation = $1 and i.customer_id = alike.customer_id
) a on true
