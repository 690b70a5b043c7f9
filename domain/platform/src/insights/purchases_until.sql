-- What one customer had bought until a moment: orders, and money net of returns, as a profile counts them.
-- Parameters: 1 customer, 2 the moment.
with lines as materialized (
    select order_id, currency, is_return, amount from platform.order_line
    where tenant_id = shared.current_tenant() and customer_id = $1 and counts is not false and ordered_at <= $2
),
-- Sums of different currencies mean nothing: the most frequent one counts.
main as (
    select currency from lines group by currency order by count(*) desc, currency limit 1
)
select count(distinct l.order_id) filter (where not l.is_return)::integer as orders,
       coalesce(sum(l.amount) filter (where l.currency = (select currency from main)), 0) as spend
from lines l
having count(*) > 0
