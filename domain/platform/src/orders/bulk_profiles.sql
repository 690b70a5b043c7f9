-- Derives the profiles of a part of very many stale customers from their orders, without the lines. Parameters: 1 tenant, 2 cause,
-- 3 parts, 4 the part, from 0. Whoever has an order of which only the lines say what it amounts to, or no order that counts,
-- stays stale. Answers how many are derived.
with
marked as materialized (
    select customer_id from platform.stale_profile
    where tenant_id = $1 and cause = $2 and (hashtextextended(customer_id, 0) & 9223372036854775807) % $3 = $4
),
by_currency as materialized (
    -- Ordered by bytes, which costs a fraction of a language's order and is good for any purpose here.
    select o.customer_id collate "C" as customer_id, o.currency, sum(o.lines) as lines,
           count(*) filter (where o.sale_lines > 0) as orders,
           sum(o.sold) as sold, sum(o.given_back) as given_back, bool_and(o.sold is not null) as is_known,
           min(coalesce(o.first_at, o.placed_at)) filter (where o.sale_lines > 0) as first_at,
           max(coalesce(o.last_at, o.placed_at)) filter (where o.sale_lines > 0) as last_at
    from platform.order o
    where o.tenant_id = $1 and o.counts and o.customer_id in (select customer_id from marked)
    group by o.customer_id collate "C", o.currency
),
-- Sums of different currencies mean nothing: each customer's most frequent one counts.
sums as (
    select customer_id, currency, sold, given_back, orders,
           row_number() over (partition by customer_id order by lines desc, currency) as place,
           sum(orders) over of_customer as all_orders, sum(lines) over of_customer as all_lines,
           min(first_at) over of_customer as first_at, max(last_at) over of_customer as last_at,
           bool_and(is_known) over of_customer as is_known
    from by_currency
    window of_customer as (partition by customer_id)
),
derived as (
    insert into platform.customer_profile
        (tenant_id, customer_id, orders, lines, spend, currency, returned_value, first_order_at, last_order_at,
         mean_order_value, refreshed_at)
    select $1, customer_id, all_orders, all_lines, sold - given_back, currency, given_back, first_at, last_at,
           round(sold / nullif(orders, 0), 2), clock_timestamp()
    from sums where place = 1 and is_known
    order by customer_id
    on conflict (tenant_id, customer_id) do update set
        orders = excluded.orders,
        lines = excluded.lines,
        spend = excluded.spend,
        currency = excluded.currency,
        returned_value = excluded.returned_value,
        first_order_at = excluded.first_order_at,
        last_order_at = excluded.last_order_at,
        mean_order_value = excluded.mean_order_value,
        refreshed_at = excluded.refreshed_at
    returning customer_id
),
done as (
    delete from platform.stale_profile s using derived d
    where s.tenant_id = $1 and s.cause = $2 and s.customer_id = d.customer_id
    returning 1
)
select count(*) from done
