-- no-transaction
-- Finds lines that belong to no order yet; for a shop whose orders are all adopted it is empty.
create index concurrently if not exists order_line_without_order on platform.order_line (tenant_id, order_id)
    where counts is null;
