-- Deliveries that called their ticket spam or deleted, by ticket: whoever asks for a draft looks there. They are few, so the
-- index costs other deliveries nothing.
create index inbox_of_trash on support_app.inbox (ticket_id, received_at)
    where skip_reason in ('ticket_spam', 'ticket_deleted');
