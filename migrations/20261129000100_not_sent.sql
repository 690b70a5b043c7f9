-- Why a reply was not sent, in a word that programs understand, beside the sentence for people. It is of a reply that waits
-- or failed; whoever sends it again, or hears that it left, takes it away.
alter table support_app.message add column not_sent_because text;
alter table support_app.message add constraint message_not_sent_known
    check (not_sent_because in ('no_mailbox', 'no_mail_server', 'no_address')) not valid;
