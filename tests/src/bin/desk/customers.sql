-- Customers number 0 to $2 - 1 of tenant $1, as the run of generation 1 knows them.
with customer as (
    insert into platform.customer (tenant_id, customer_id, email)
    select $1, 'c' || n, 'c' || n || '@example.com' from generate_series(0, $2::bigint - 1) n
), fact as (
    insert into platform.customer_fact (tenant_id, generation, customer_id, orders, spend_cents, first_order_on, last_order_on,
        purchase_frequency, purchase_value, archetype_l1, archetype_l2, marketing_opt_in, churn, ltv)
    select $1, 1, 'c' || n, 1 + n % 40, 1000 + n % 90000, '2024-03-01', '2026-01-19', 2, 1, 0, 0, true, (n % 100) / 100.0,
           n % 500
    from generate_series(0, $2::bigint - 1) n
)
insert into platform.customer_insight (tenant_id, generation, customer_id, computed_at, confidence, who, features, memberships)
select $1, 1, 'c' || n, now(), 'high', (1 + n % 40) || ' orders since March 2024', '\x00004041'::bytea, '\xf00f8c73'::bytea
from generate_series(0, $2::bigint - 1) n
