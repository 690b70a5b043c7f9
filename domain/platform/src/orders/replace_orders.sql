-- Replaces the heads of orders by those in the temporary table that are not new. Parameters: 1 tenant, 2 when they were taken,
-- 3 source, 4 import.
update platform.order o
set customer_id = b.customer_id, stated_customer = b.stated_customer, placed_at = b.placed_at, paid_at = b.paid_at,
    fulfilled_at = b.fulfilled_at, cancelled_at = b.cancelled_at, stated_at = b.stated_at, taken_at = $2,
    lines_key = b.lines_key, lines = b.lines, sale_lines = b.sale_lines, sold = b.sold, given_back = b.given_back,
    first_at = b.first_at, last_at = b.last_at, is_test = b.is_test, counts = b.counts, payment = b.payment,
    currency = b.currency, source = $3, import_id = $4, content = b.content,
    -- What made room, so that an old file is known when it comes again.
    replaced = case when o.content is null then o.replaced
                    else (array_remove(array_prepend(o.content, o.replaced), b.content))[1:8] end
from order_batch b
where not b.is_new and o.tenant_id = $1 and o.order_id = b.order_id
