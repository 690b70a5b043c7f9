-- Brings orders, whose lines are deleted, back to what an import replaced. Parameters: 1 tenant, 2 import, 3 order ids. Answers
-- their customers. Whoever was merged since is who they are now, and what counts is decided by today's rule.
with
kept as materialized (
    select r.*, coalesce(i.customer_id, r.customer_id) as who_now,
           case when i.customer_id is null then r.stated_customer else coalesce(r.stated_customer, r.customer_id) end as stated_now,
           platform.order_counts(coalesce((select rule from platform.revenue_rule where tenant_id = $1), 'paid'),
                                 r.is_test, r.payment, r.fulfilled_at, r.cancelled_at) as counts_now
    from platform.order_prior p
    cross join lateral jsonb_populate_record(null::platform.order, p.header) as r
    left join platform.customer_identity i on i.tenant_id = $1 and i.kind = 'shop' and i.value = r.customer_id
    where p.tenant_id = $1 and p.import_id = $2 and p.order_id = any ($3)
),
lines as (
    insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, product_id, category, quantity,
        amount, list_amount, currency, is_return, counts, line_id, title)
    select $1, l.line_key, l.order_id, k.who_now, l.ordered_at, l.product_id, l.category, l.quantity, l.amount,
           l.list_amount, l.currency, l.is_return, k.counts_now, l.line_id, l.title
    from platform.order_prior p
    join kept k using (order_id)
    cross join lateral jsonb_populate_recordset(null::platform.order_line, p.lines) as l
    where p.tenant_id = $1 and p.import_id = $2
)
update platform.order o
set customer_id = k.who_now, stated_customer = k.stated_now, placed_at = k.placed_at, paid_at = k.paid_at,
    fulfilled_at = k.fulfilled_at, cancelled_at = k.cancelled_at, stated_at = k.stated_at, taken_at = k.taken_at,
    lines_key = k.lines_key, lines = k.lines, sale_lines = k.sale_lines, sold = k.sold, given_back = k.given_back,
    first_at = k.first_at, last_at = k.last_at, is_test = k.is_test, counts = k.counts_now, payment = k.payment,
    currency = k.currency, source = k.source, import_id = k.import_id, content = k.content,
    replaced = k.replaced
from kept k
where o.tenant_id = $1 and o.order_id = k.order_id
returning o.customer_id
