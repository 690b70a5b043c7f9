-- Cuts a tenant's customers into ranges of equal size and answers how many there are.
-- Parameters: 1 run, 2 customers in a shard.
with
-- Every so many-th customer begins a shard; the first has no lower and the last no upper bound, so that a customer who
-- comes meanwhile belongs to one as well.
starts as (
    select customer_id
    from (select customer_id, row_number() over (order by customer_id) as place from platform.customer_profile) as placed
    where (place - 1) % $2 = 0
),
numbered as (
    select (row_number() over (order by customer_id) - 1)::integer as shard, customer_id,
           lead(customer_id) over (order by customer_id) as upper
    from starts
),
-- Runs to its end although nothing below reads it.
opened as (
    insert into platform.intelligence_shard (run_id, shard, tenant_id, lower, upper)
    select $1, shard, shared.current_tenant(), case when shard > 0 then customer_id end, upper from numbered
    on conflict (run_id, shard) do nothing
)
select count(*)::integer from numbered
