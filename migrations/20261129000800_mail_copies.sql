-- A mail that came to several mailboxes of a shop is one message; an erasure finds its other rows by that.
create index mail_by_message on support_app.mail (message_row) where message_row is not null;
