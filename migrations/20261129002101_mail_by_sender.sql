-- What somebody wrote by mail is found by their address: for an export, an erasure, and lists of a sender's mails. Addresses of
-- senders are stored in small letters, so they are compared as they are: by row security no function is a condition of an index.
update support_app.mail set sender = lower(sender) where sender <> lower(sender);
create index mail_by_sender on support_app.mail (tenant_id, sender, received_at desc, id desc) where sender is not null;
