-- Mail: the addresses of a shop, what came to them, and what threads it. A mail is kept as it came, with the job that
-- takes it in; what became of it is written beside it.

create table support_app.mailbox (
    id               uuid primary key,
    tenant_id        uuid not null references shared.tenant (id),
    -- In small letters. One address belongs to one shop, because what a mail server hands over names nothing else.
    address          text not null,
    display_name     text,
    -- Whence tickets are answered that came to no mailbox.
    is_default       boolean not null default false,
    -- Through which server mail leaves; without one the mailbox only receives.
    smtp_host        text,
    smtp_port        integer,
    smtp_security    text,
    smtp_username    text,
    dkim_domain      text,
    dkim_selector    text,
    -- The password and the key that signs.
    sealed_secrets   bytea not null,
    -- SHA-256 of the token with which a program hands mail in.
    token_hash       bytea not null,
    -- What a customer is told at once; null: nothing.
    acknowledgement  text,
    -- How it goes.
    last_sent_at     timestamptz,
    last_error       text,
    last_error_at    timestamptz,
    version          bigint not null default 1,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    disabled_at      timestamptz,
    constraint mailbox_address_length check (char_length(address) between 3 and 320),
    constraint mailbox_security_known check (smtp_security is null or smtp_security in ('tls', 'starttls', 'plain')),
    constraint mailbox_server_whole check
        ((smtp_host is null) = (smtp_port is null) and (smtp_host is null) = (smtp_security is null)),
    constraint mailbox_dkim_whole check ((dkim_domain is null) = (dkim_selector is null))
);
create unique index mailbox_address_once on support_app.mailbox (address) where disabled_at is null;
create unique index mailbox_default_once on support_app.mailbox (tenant_id) where is_default and disabled_at is null;
create index mailbox_by_tenant on support_app.mailbox (tenant_id, address);

-- Whose address it is: what a mail server asks before it hands a mail over, and no tenant is known yet. It runs as the
-- tables' owner and tells two ids and nothing else.
create function support_app.mailbox_of(wanted text) returns table (tenant_id uuid, mailbox_id uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $of$
    select m.tenant_id, m.id from support_app.mailbox m where m.address = wanted and m.disabled_at is null
$of$;
revoke all on function support_app.mailbox_of(text) from public;
grant execute on function support_app.mailbox_of(text) to desk_support;

create table support_app.mail (
    id            uuid primary key,
    tenant_id     uuid not null references shared.tenant (id),
    mailbox_id    uuid not null references support_app.mailbox (id),
    -- What makes two mails the same one: SHA-256 of its Message-ID and of what no server on the way changes.
    identity      bytea not null,
    message_id    text,
    sender        text,
    -- The sender of the envelope; empty is what delivery reports have, null is not known.
    envelope_from text,
    came_by       text not null,
    size_bytes    bigint not null,
    -- As it came; it goes after a time.
    raw           bytea,
    state         text not null default 'waiting',
    -- Why it is suspended or unreadable.
    reason        text,
    -- Why it counts as sent by a machine.
    machine       text,
    -- What was left out of it.
    remarks       text[] not null default '{}',
    ticket_id     uuid,
    message_row   uuid,
    received_at   timestamptz not null,
    taken_at      timestamptz,
    constraint mail_once unique (mailbox_id, identity),
    constraint mail_state_known check (state in ('waiting', 'taken', 'suspended', 'unreadable')),
    constraint mail_reason_told check ((state in ('suspended', 'unreadable')) = (reason is not null)),
    constraint mail_way_known check (came_by in ('http', 'smtp', 'lmtp'))
);
-- It is compressed already, or short.
alter table support_app.mail alter column raw set storage external;
create index mail_by_time on support_app.mail (tenant_id, received_at desc, id desc);
create index mail_by_mailbox on support_app.mail (mailbox_id, received_at desc);
create index mail_aside on support_app.mail (tenant_id, state, received_at desc, id desc) where state <> 'taken';
create index mail_by_ticket on support_app.mail (ticket_id) where ticket_id is not null;
create index mail_raw_age on support_app.mail (tenant_id, received_at) where raw is not null;

-- How many mails of a sender came to a mailbox since a moment.
create table support_app.mail_sender (
    tenant_id  uuid not null references shared.tenant (id),
    mailbox_id uuid not null references support_app.mailbox (id),
    sender     text not null,
    since      timestamptz not null,
    count      integer not null,
    primary key (mailbox_id, sender)
);
create index mail_sender_age on support_app.mail_sender (tenant_id, since);

-- Which ticket a Message-ID belongs to, by SHA-256: that of a mail itself and those that it answers, so that the order
-- in which mails come does not matter.
create table support_app.mail_thread (
    tenant_id uuid not null references shared.tenant (id),
    header_id bytea not null,
    ticket_id uuid not null references support_app.ticket (id) on delete cascade,
    primary key (tenant_id, header_id)
);
create index mail_thread_by_ticket on support_app.mail_thread (ticket_id);

-- When a customer was last told something by a machine of ours.
create table support_app.mail_acknowledged (
    tenant_id uuid not null references shared.tenant (id),
    customer  text not null,
    at        timestamptz not null,
    primary key (tenant_id, customer)
);

-- How a shop's mail behaves; without a row the defaults hold.
create table support_app.mail_setting (
    tenant_id         uuid primary key references shared.tenant (id),
    -- Mails of one sender to one mailbox within the window; what comes beyond is suspended.
    flood_limit       integer not null default 100,
    flood_window_secs integer not null default 600,
    version           bigint not null default 1,
    updated_at        timestamptz not null default now(),
    constraint mail_setting_limit_range check (flood_limit between 1 and 100000),
    constraint mail_setting_window_range check (flood_window_secs between 10 and 86400)
);

alter table support_app.ticket
    -- The mailbox that it came to and is answered from.
    add column mailbox_id uuid;

alter table support_app.message
    -- The mail that it came as.
    add column mail_id           uuid,
    -- Its own Message-ID, without angle brackets, whether it came or left.
    add column mail_message_id   text,
    add column sender_email      text,
    -- Safe to show.
    add column body_html         text,
    -- Without the history that mail programs append; null when it has none.
    add column stripped_text     text,
    -- Why it counts as sent by a machine.
    add column machine           text,
    -- Which sending of it this is: a person may have one sent again whose fate nobody knows.
    add column send_round        integer not null default 0;
create index message_by_mail_id on support_app.message (tenant_id, mail_message_id) where mail_message_id is not null;

-- A reply can bounce after it left, and a server's answer can be lost, so that nobody knows whether it left.
alter table support_app.message drop constraint message_delivery_known;
alter table support_app.message add constraint message_delivery_known check
    (delivery is null or delivery in ('scheduled', 'queued', 'sent', 'failed', 'withdrawn', 'bounced', 'unsure'));
create index message_unsure on support_app.message (tenant_id, created_at desc, id desc) where delivery = 'unsure';

do $policies$
declare
    name text;
begin
    foreach name in array array['mailbox', 'mail', 'mail_sender', 'mail_thread', 'mail_acknowledged', 'mail_setting'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;

grant select, insert, update on support_app.mailbox, support_app.mail_setting to desk_support;
grant select, insert, update, delete on support_app.mail, support_app.mail_sender, support_app.mail_thread,
    support_app.mail_acknowledged to desk_support;
