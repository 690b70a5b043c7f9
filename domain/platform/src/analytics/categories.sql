-- Revenue by category in a period and in the equally long one before. Parameters: 1 tenant, 2 currency,
-- 3 start of the period before, 4 start, 5 end, 6 items.
with
sums as materialized (
    select coalesce(category, '') as category,
           coalesce(sum(amount) filter (where ordered_at >= $4), 0.00) as revenue,
           coalesce(-sum(amount) filter (where ordered_at >= $4 and is_return), 0.00) as returned,
           coalesce(sum(quantity) filter (where ordered_at >= $4 and not is_return), 0) as units,
           count(*) filter (where ordered_at >= $4) as lines,
           coalesce(sum(amount) filter (where ordered_at < $4), 0.00) as revenue_before
    from platform.order_line
    where tenant_id = $1 and currency = $2 and ordered_at >= $3 and ordered_at < $5 and counts is not false
    group by 1
)
select s.*, t.*
from (select sum(revenue) as all_revenue, sum(revenue_before) as all_revenue_before, count(*) as categories,
             sum(lines)::bigint as all_lines
      from sums) as t
cross join (select * from sums order by revenue desc, category limit $6) as s
order by s.revenue desc, s.category
