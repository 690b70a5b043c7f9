-- How much of what customers buy is bought below its list price. Parameters: 1 tenant, 2 currency, 3 start, 4 end,
-- 5 items for each class.
with
buyers as materialized (
    select customer_id, count(*) as lines, sum(list_amount) as listed, sum(amount) as paid,
           coalesce(sum(amount) filter (where amount < list_amount), 0) as reduced,
           count(*) filter (where amount < list_amount) as reduced_lines
    from platform.order_line
    where tenant_id = $1 and currency = $2 and ordered_at >= $3 and ordered_at < $4 and not is_return and counts is not false
      and list_amount > 0 and amount > 0
    group by customer_id
),
-- With fewer lines a share says nothing about a habit.
classed as materialized (
    select *, case when lines < 3 then 'unknown'
                   when reduced >= 0.8 * paid then 'dependent'
                   when reduced >= 0.2 * paid then 'occasional'
                   else 'full_price' end as class
    from buyers
),
totals as (
    select class, count(*) as customers, sum(lines)::bigint as lines, sum(reduced_lines)::bigint as reduced_lines,
           sum(listed) as listed, sum(paid) as paid, sum(reduced) as reduced
    from classed group by class
),
ranked as (
    select *, row_number() over (partition by class order by paid desc, customer_id) as place from classed
)
select t.class, t.customers as total_customers, t.lines as total_lines, t.reduced_lines as total_reduced_lines,
       t.listed as total_listed, t.paid as total_paid, t.reduced as total_reduced,
       r.customer_id, r.lines, r.listed, r.paid, r.reduced
from totals t left join ranked r on r.class = t.class and r.class <> 'unknown' and r.place <= $5
order by t.class, r.place
