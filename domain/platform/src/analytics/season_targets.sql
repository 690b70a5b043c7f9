-- Who bought in the coming days of the year before and has not bought lately. Parameters: 1 tenant, 2 currency,
-- 3 start and 4 end of those days, 5 no purchase since, 6 items.
with
chosen as materialized (
    select l.customer_id, l.amount, p.spend, coalesce(c.marketing_opt_in, false) as opt_in
    from (select customer_id, sum(amount) as amount from platform.order_line
          where tenant_id = $1 and currency = $2 and ordered_at >= $3 and ordered_at < $4 and not is_return and counts is not false
          group by customer_id) as l
    join platform.customer_profile p on p.tenant_id = $1 and p.customer_id = l.customer_id
    left join platform.customer c on c.tenant_id = $1 and c.customer_id = l.customer_id
    where l.amount > 0 and p.last_order_at < $5
),
totals as (
    select count(*) as customers, sum(spend) as spend, count(*) filter (where opt_in) as reachable from chosen
)
select totals.*, first.customer_id, first.amount
from totals left join (select * from chosen order by amount desc, customer_id limit $6) as first on true
order by first.amount desc, first.customer_id
