-- Moves a batch from the temporary table into the schema. Parameter: 1 tenant.
-- Returns how many lines were new and whose profiles they change.
with
-- Customers are created by their first line; address and name follow the log when it has them. Locked in the
-- order of their ids, so that concurrent batches cannot wait for each other in a circle.
people as (
    insert into platform.customer as c (tenant_id, customer_id, email, name)
    select $1, customer_id, max(email), max(name) from import_batch group by customer_id order by customer_id
    on conflict (tenant_id, customer_id) do update
        set email = coalesce(excluded.email, c.email), name = coalesce(excluded.name, c.name)
        where (excluded.email is not null and excluded.email is distinct from c.email)
           or (excluded.name is not null and excluded.name is distinct from c.name)
),
-- A line that is there already stays as it is.
added as (
    insert into platform.order_line
        (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category, quantity, amount, list_amount,
         currency, is_return)
    select $1, line_key, order_id, customer_id, ordered_at, product_id, category, quantity, amount, list_amount,
           currency, is_return
    from import_batch
    on conflict (tenant_id, line_key) do nothing
    returning customer_id
)
select count(*) as inserted, coalesce(array_agg(distinct customer_id), '{}') as customers from added
