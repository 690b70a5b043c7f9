-- Lines belong to an order, customers have identities, and what an import did can be taken back.
--
-- This only adds. Code of the release before writes lines without an order: their `counts` is null, which readers take
-- for true, and `platform.adopt_orders` makes orders of them, a bounded number at a time. It is called after this
-- migration by the next one, and before each import for what old workers wrote meanwhile.

-- What of a shop's orders is revenue.
create table platform.revenue_rule (
    tenant_id  uuid primary key references shared.tenant (id),
    -- paid: what was paid, or of which nobody says whether it was; fulfilled: what was sent; placed: all but what was
    -- cancelled or failed.
    rule       text not null default 'paid',
    -- Grows with each change; orders are brought up to it in bounded steps.
    version    bigint not null default 1,
    applied    bigint not null default 1,
    changed_by text not null default '',
    changed_at timestamptz not null default now(),
    constraint revenue_rule_known check (rule in ('paid', 'fulfilled', 'placed'))
);

-- Whether an order counts as revenue under a rule. Tests never do, nor what was cancelled or never paid.
create function platform.order_counts(
    rule text, is_test boolean, payment text, fulfilled_at timestamptz, cancelled_at timestamptz) returns boolean
    language sql immutable parallel safe
    return not is_test and cancelled_at is null and payment not in ('voided', 'failed')
        and case rule when 'placed' then true
                      when 'fulfilled' then fulfilled_at is not null
                      else payment not in ('pending', 'authorized') end;

create table platform.order (
    tenant_id       uuid not null,
    -- The shop's number of the order.
    order_id        text not null,
    customer_id     text not null,
    -- Whom the source named, where that customer was merged into another since.
    stated_customer text,
    placed_at       timestamptz not null,
    paid_at         timestamptz,
    fulfilled_at    timestamptz,
    cancelled_at    timestamptz,
    -- When the source last changed the order, by its own clock; null where it does not say.
    stated_at       timestamptz,
    -- When the import that stated it began, or the webhook came.
    taken_at        timestamptz not null,
    -- The first 12 bytes of the keys of its lines; the last four number them. So the lines of an order lie together in
    -- `order_line`, and its primary key finds them.
    lines_key       uuid not null,
    -- How many numbers were given.
    lines           integer not null,
    -- Lines that are no returns, what they amount to, and what returns do, as a positive amount: with these the profiles of
    -- many customers are derived without their lines. Null amounts are not known, and the lines are asked.
    sale_lines      integer not null,
    sold            numeric(18, 2),
    given_back      numeric(18, 2),
    -- When the first and the last of the lines that are no returns were bought, where that is not `placed_at`.
    first_at        timestamptz,
    last_at         timestamptz,
    is_test         boolean not null,
    -- Under the tenant's rule; repeated on each line, where it is looked at.
    counts          boolean not null,
    payment         text not null,
    currency        text not null,
    -- file, or the shop system that a sync reads.
    source          text not null,
    import_id       uuid,
    -- Hash of what was stated, times cut to minutes; null where that is not known, which equals nothing.
    content         uuid,
    primary key (tenant_id, order_id),
    constraint order_payment_known check (payment in
        ('placed', 'pending', 'authorized', 'paid', 'partly_paid', 'partly_refunded', 'refunded', 'voided', 'failed')),
    constraint order_lines_counted check (lines >= 0)
);

alter table platform.order_line
    add column counts  boolean,
    add column line_id text,
    add column title   text;

-- The statement that an import replaced, so that it can be taken back: rows of `order` and `order_line` as JSON.
create table platform.order_prior (
    tenant_id   uuid not null,
    -- What replaced it, and what had stated it.
    import_id   uuid not null,
    of_import   uuid,
    order_id    text not null,
    header      jsonb not null,
    lines       jsonb not null,
    replaced_at timestamptz not null default now(),
    primary key (tenant_id, import_id, order_id)
);
create index order_prior_by_origin on platform.order_prior (tenant_id, of_import) where of_import is not null;
create index order_prior_by_age on platform.order_prior (tenant_id, replaced_at);

-- Customers whose orders were changed and whose profile is still to be derived from them.
create table platform.stale_profile (
    tenant_id   uuid not null,
    -- The import, undo or change that touched them.
    cause       uuid not null,
    customer_id text not null,
    primary key (tenant_id, cause, customer_id)
);

-- What a customer is known by beside their own id. Several customers may share an address.
create table platform.customer_identity (
    tenant_id   uuid not null,
    -- shop: another id of the shop's, from a merge; email, phone, desk: as normalised by `platform::identities`.
    kind        text not null,
    value       text not null,
    customer_id text not null,
    since       timestamptz not null default now(),
    primary key (tenant_id, kind, value, customer_id),
    constraint customer_identity_kind_known check (kind in ('shop', 'email', 'phone', 'desk')),
    constraint customer_identity_value_length check (char_length(value) between 1 and 320)
);
create index customer_identity_by_customer on platform.customer_identity (tenant_id, customer_id);

alter table platform.customer
    add column phone       text,
    -- Who they are now; null for everybody who was not merged away.
    add column merged_into text;

-- Who was merged into whom, and what moved, so that it can be taken back.
create table platform.customer_merge (
    id         uuid primary key,
    tenant_id  uuid not null references shared.tenant (id),
    kept       text not null,
    merged     text not null,
    -- Identities that moved, as [{kind, value}]; the orders that moved are those whose `stated_customer` is among them.
    identities jsonb not null,
    orders     bigint not null,
    by         text not null,
    at         timestamptz not null default now(),
    undone_by  text,
    undone_at  timestamptz
);
create index customer_merge_by_kept on platform.customer_merge (tenant_id, kept, at desc);
create unique index customer_merge_once on platform.customer_merge (tenant_id, merged) where undone_at is null;

alter table platform.import_run
    -- The last row that each of the lanes has committed, in which an import's orders are stored beside each other.
    add column lanes            bigint[] not null default '{0,0}',
    add column orders_inserted  bigint not null default 0,
    add column orders_replaced  bigint not null default 0,
    add column orders_unchanged bigint not null default 0,
    add column orders_older     bigint not null default 0,
    -- Rows left out and remarked on, by reason.
    add column left_out         jsonb not null default '{}',
    add column remarks          jsonb not null default '{}',
    -- Notes that were stored; of more there are only the counts.
    add column notes            bigint not null default 0,
    -- Why it ended early; what was committed stays.
    add column error            text,
    add column undone_at        timestamptz,
    drop constraint import_run_state_known,
    add constraint import_run_state_known check (state in ('running', 'done', 'cancelled', 'failed', 'undoing', 'undone'));

-- The key of an order's line by its number, from 0.
create function platform.line_key_of(lines_key uuid, number integer) returns uuid
    language sql immutable parallel safe
    return encode(substring(uuid_send(lines_key) from 1 for 12) || int4send(number), 'hex')::uuid;

-- Adds up numbers under equal names.
create function platform.add_counts(one jsonb, other jsonb) returns jsonb
    language sql immutable parallel safe
    return (select coalesce(jsonb_object_agg(key, total), '{}')
            from (select key, sum(value::bigint) as total
                  from (select * from jsonb_each_text(one) union all select * from jsonb_each_text(other)) as counts
                  group by key) as sums);

-- What is to be told of single rows of an import.
create table platform.import_note (
    tenant_id   uuid not null,
    import_id   uuid not null references platform.import_run (id) on delete cascade,
    -- Sixteen for each row, so that they are in the order of the file and the same row has the same ones again.
    number      bigint not null,
    line_number bigint not null,
    kind        text not null,
    reason      text not null,
    column_name text,
    message     text not null,
    raw         text not null,
    primary key (import_id, number),
    constraint import_note_kind_known check (kind in ('left_out', 'remark')),
    constraint import_note_raw_length check (char_length(raw) <= 500)
);

-- Makes orders of at most `at_most` orders' lines that have none, for the tenant of the transaction; answers how many. Equal
-- figures before and after: lines keep what they say, and what was imported counted.
create function platform.adopt_orders(tenant uuid, at_most integer) returns integer
    language plpgsql as
$body$
declare
    adopted integer;
begin
    with chosen as materialized (
        select distinct order_id from (
            select order_id from platform.order_line
            where tenant_id = tenant and counts is null order by order_id limit at_most * 4) as first
        order by order_id limit at_most
    ),
    -- Of an order that two customers share it is the first one's.
    old as materialized (
        select l.ctid as place, l.order_id, l.customer_id, l.ordered_at, l.currency, l.amount, l.is_return,
               row_number() over (partition by l.order_id order by l.ordered_at, l.line_key) as number
        from platform.order_line l join chosen using (order_id)
        where l.tenant_id = tenant and l.counts is null
    ),
    made as (
        insert into platform.order as o
            (tenant_id, order_id, customer_id, placed_at, taken_at, lines_key, lines, sale_lines, sold, given_back, first_at,
             last_at, is_test, counts, payment, currency, source)
        select tenant, order_id, min(customer_id) filter (where number = 1), min(ordered_at), timestamptz '2000-01-01 00:00:00+00',
               platform.line_key_of(gen_random_uuid(), 0),
               count(*), count(*) filter (where not is_return),
               case when min(currency) = max(currency) then coalesce(sum(amount) filter (where not is_return), 0) end,
               case when min(currency) = max(currency) then coalesce(-sum(amount) filter (where is_return), 0) end,
               min(ordered_at) filter (where not is_return), max(ordered_at) filter (where not is_return),
               false, true, 'placed', min(currency) filter (where number = 1), 'file'
        from old group by order_id
        on conflict (tenant_id, order_id) do update
            set lines = o.lines + excluded.lines, sale_lines = o.sale_lines + excluded.sale_lines, sold = null, content = null
        returning order_id, lines_key, lines, counts
    ),
    counted as (
        select order_id, count(*) as added from old group by order_id
    ),
    moved as (
        update platform.order_line l
        set counts = made.counts,
            line_key = platform.line_key_of(made.lines_key, (made.lines - counted.added + old.number - 1)::integer)
        from old join made using (order_id) join counted using (order_id)
        where l.tenant_id = tenant and l.ctid = old.place
    )
    select count(*) into adopted from made;
    return adopted;
end
$body$;

do $policies$
declare
    name text;
begin
    foreach name in array array['revenue_rule', 'order', 'order_prior', 'stale_profile', 'customer_identity', 'customer_merge',
                                'import_note'] loop
        execute format('alter table platform.%I enable row level security', name);
        execute format(
            'create policy own_tenant on platform.%I to desk_platform, desk_support, desk_marketing '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
        execute format('grant select, insert, update, delete on platform.%I to desk_platform', name);
        execute format('grant select on platform.%I to desk_support, desk_marketing', name);
    end loop;
end
$policies$;

-- The time zone of the transaction's tenant, in which its days begin.
create function platform.shop_zone() returns text
    language sql stable parallel safe
    return coalesce((select timezone from shared.tenant where id = shared.current_tenant()), 'UTC');
