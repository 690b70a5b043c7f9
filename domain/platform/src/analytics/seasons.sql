-- Months and seasons of purchases. Parameters: 1 tenant, 2 currency, 3 start, 4 end.
with
months as (
    select date_trunc('month', ordered_at, (select platform.shop_zone())) as month, sum(amount) as amount
    from platform.order_line
    where tenant_id = $1 and currency = $2 and ordered_at >= $3 and ordered_at < $4 and not is_return and counts is not false
    group by 1
),
-- From a quarter to the same one of the next year it is 275 days at least; most customers are no candidates.
candidates as (
    select customer_id from platform.customer_profile
    where tenant_id = $1 and last_order_at - first_order_at >= interval '275 days'
),
quarters as (
    select customer_id, extract(quarter from ordered_at at time zone (select platform.shop_zone()))::int as quarter, sum(amount) as amount,
           min(extract(year from ordered_at at time zone (select platform.shop_zone()))) < max(extract(year from ordered_at at time zone (select platform.shop_zone())))
               as came_back
    from platform.order_line join candidates using (customer_id)
    where tenant_id = $1 and currency = $2 and ordered_at >= $3 and ordered_at < $4 and not is_return and counts is not false
    group by 1, 2
),
-- Bought in the same quarter of more than one year, and little outside of it.
seasonal as (
    select quarter, total from (select *, sum(amount) over (partition by customer_id) as total from quarters) as shares
    where came_back and total > 0 and amount >= 0.6 * total
)
select (month at time zone (select platform.shop_zone()))::date as month, null::int as quarter, null::bigint as customers, amount from months
union all
select null, quarter, count(*), sum(total) from seasonal group by quarter
order by 1, 2
