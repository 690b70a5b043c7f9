-- The newest delivery of a ticket, which decides whether the same bytes are a repetition; deliveries are listed by
-- ticket as well. Not built concurrently: that waits for every transaction, also for a second migration that waits for
-- this one. Deliveries wait for the build, and are repeated by their senders when it takes longer than they do.
create index inbox_by_ticket
    on support_app.inbox (tenant_id, ticket_id, received_at desc, id desc);
