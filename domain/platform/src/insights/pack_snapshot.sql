-- Packs what a run says of every customer into rows of about a thousand customers with neighbouring ids.
-- Parameters: 1 generation, 2 grain, 3 day, 4 segmentation. Answers how many customers there are.
with
numbered as (
    select f.customer_id, i.memberships, f.churn, f.ltv,
           (row_number() over (order by f.customer_id) - 1) / 1000 as chunk
    from platform.customer_fact f join platform.customer_insight i using (tenant_id, generation, customer_id)
    where f.generation = $1
),
packed as (
    insert into platform.profile_snapshot
        (tenant_id, grain, taken_on, first_customer, last_customer, segmentation_id, customers, memberships, churn, ltv)
    select (select shared.current_tenant()), $2, $3, min(customer_id), max(customer_id), $4,
           array_agg(customer_id order by customer_id), string_agg(memberships, '' order by customer_id),
           array_agg(churn order by customer_id), array_agg(ltv order by customer_id)
    from numbered group by chunk
    returning cardinality(customers) as customers
)
select coalesce(sum(customers), 0)::bigint from packed
