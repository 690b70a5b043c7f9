-- Spend of the last 90 days against the 90 before. Parameters: 1 tenant, 2 currency, 3 start, 4 middle, 5 end,
-- 6 items for each direction.
with
moves as materialized (
    select customer_id,
           coalesce(sum(amount) filter (where ordered_at >= $4), 0.00) as late,
           coalesce(sum(amount) filter (where ordered_at < $4), 0.00) as early,
           bool_or(ordered_at >= $4 and not is_return) as buys_late,
           bool_or(ordered_at < $4 and not is_return) as buys_early
    from platform.order_line
    where tenant_id = $1 and currency = $2 and ordered_at >= $3 and ordered_at < $5 and counts is not false
    group by customer_id
),
totals as (
    select sum(late) as total_late, sum(early) as total_early,
           count(*) filter (where buys_late) as active_late, count(*) filter (where buys_early) as active_early,
           count(*) filter (where late > early) as up, count(*) filter (where late < early) as down
    from moves
),
-- Both ends of the list.
first as (
    (select *, late - early as change from moves where late > early order by change desc, customer_id limit $6)
    union all
    (select *, late - early as change from moves where late < early order by change, customer_id limit $6)
)
-- The totals come even when nobody moved.
select totals.*, first.customer_id, first.late, first.early, first.change
from totals left join first on true
order by abs(first.change) desc nulls last, first.customer_id
