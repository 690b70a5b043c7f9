-- no-transaction
-- The newest delivery of a ticket, which decides whether the same bytes are a repetition; deliveries are listed by
-- ticket as well. Built beside the traffic, as the inbox is written to with every message of every customer.
create index concurrently if not exists inbox_by_ticket
    on support_app.inbox (tenant_id, ticket_id, received_at desc, id desc);
