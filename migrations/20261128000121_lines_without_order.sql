-- Finds lines that belong to no order yet; for a shop whose orders are all adopted it is empty.
-- Not built concurrently: that would wait for a second migration which waits for this one.
create index order_line_without_order on platform.order_line (tenant_id, order_id)
    where counts is null;
