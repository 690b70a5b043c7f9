-- What is in which order, by category, of every n-th order by a hash of its number. Parameters: 1 tenant, 2 start, 3 end,
-- 4 mask of the hash (0 takes all).
select order_id, category as item
from platform.order_line
where tenant_id = $1 and ordered_at >= $2 and ordered_at < $3 and not is_return and counts is not false and category is not null
  and ($4::bigint = 0 or hashtextextended(order_id, 0) & $4 = 0)
