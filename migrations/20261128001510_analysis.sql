-- What is read out of customers' messages, one row a message; what it says of a ticket stands on the ticket.

create table support_app.message_analysis (
    message_id        uuid primary key references support_app.message (id) on delete cascade,
    tenant_id         uuid not null references shared.tenant (id),
    asked_at          timestamptz not null default now(),
    -- Null while nobody has read it.
    analysed_at       timestamptz,
    -- anthropic or lexicon.
    analysed_by       text,
    model             text,
    -- 0 angry, 1 happy; null when nothing can be said.
    sentiment         real,
    intent            text,
    -- ISO 639-1.
    language          text,
    topics            text[] not null default '{}',
    asks_compensation boolean not null default false,
    mentions_price    boolean not null default false,
    asks_discount     boolean not null default false,
    -- What is to be known of how it came about.
    remark            text,
    constraint message_analysis_reader_known check (analysed_by in ('anthropic', 'lexicon')),
    constraint message_analysis_sentiment_range check (sentiment between 0 and 1),
    constraint message_analysis_done_whole check ((analysed_at is null) = (analysed_by is null)),
    constraint message_analysis_topics_bounded check (cardinality(topics) <= 20)
);
create index message_analysis_waiting on support_app.message_analysis (tenant_id, asked_at) where analysed_at is null;

alter table support_app.message_analysis enable row level security;
create policy own_tenant on support_app.message_analysis to desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update, delete on support_app.message_analysis to desk_support;
