-- Both sides of a ticket that lives in a help desk. What both last agreed on is kept, so that a change of one side is told
-- from one of the other: what they tell is merged into what is here instead of overwriting it, an echo of our own change
-- changes nothing, and a change of ours that they have not heard of yet survives what they tell meanwhile.

create table support_app.help_desk_base (
    ticket_id uuid primary key references support_app.ticket (id) on delete cascade,
    tenant_id uuid not null references shared.tenant (id),
    -- open or closed: it knows no others.
    status    text not null,
    tags      text[] not null,
    agreed_at timestamptz not null default clock_timestamp(),
    -- Notes that were written here since go there as well.
    since     timestamptz not null default clock_timestamp(),
    constraint help_desk_base_status_known check (status in ('open', 'closed'))
);

-- How far a tenant's help desk was looked through for what its webhooks did not tell.
create table support_app.help_desk_cursor (
    tenant_id       uuid primary key references shared.tenant (id),
    -- Everything that changed there before was seen.
    updated_through timestamptz,
    -- Of a round that is under way: the newest change when it began, and where it goes on.
    round_newest    timestamptz,
    page_cursor     text,
    looked_at       integer not null default 0,
    differed        integer not null default 0,
    last_round_at   timestamptz,
    last_error      text,
    last_error_at   timestamptz
);

-- What differed, and what became of it. No text of people.
create table support_app.help_desk_difference (
    id        bigint generated always as identity primary key,
    tenant_id uuid not null references shared.tenant (id),
    ticket_id uuid not null references support_app.ticket (id) on delete cascade,
    field     text not null,
    ours      jsonb,
    theirs    jsonb,
    -- What both are now.
    merged    jsonb,
    found_at  timestamptz not null default clock_timestamp()
);
create index help_desk_difference_by_time on support_app.help_desk_difference (tenant_id, found_at desc, id desc);
create index help_desk_difference_by_ticket on support_app.help_desk_difference (ticket_id);

-- A status as a help desk knows it; what sleeps is closed there until it wakes.
create function support_app.coarse_status(status text, snoozed_until timestamptz) returns text
    language sql stable
    return case when status in ('resolved', 'closed') or snoozed_until > now() then 'closed' else 'open' end;

-- What the status is after a help desk told one. `base` is what both agreed on, null when nothing is known of that.
create function support_app.merged_status(
    known text, snoozed_until timestamptz, base text, told text, is_merged boolean
) returns text
    language sql stable
    return case
        when told is null or is_merged then known
        -- The same to them: what is finer here stays.
        when support_app.coarse_status(told, null) = support_app.coarse_status(known, snoozed_until)
            then case when told in ('open', 'closed') then known else told end
        -- They are as they were, so it was changed here, and they have not heard of it.
        when support_app.coarse_status(told, null) = base then known
        else told end;

-- Their tags, without those that were taken away here, and with those that were added here.
create function support_app.merged_tags(ours text[], base text[], theirs text[]) returns text[]
    language sql immutable
    return (
        select coalesce(array_agg(y.tag order by y.place), '{}')
        from (
            select x.tag, min(x.place) as place
            from (
                select u.tag, u.place from unnest(theirs) with ordinality u (tag, place)
                where not (u.tag = any (base)) or u.tag = any (ours)
                union all
                select u.tag, 100000 + u.place from unnest(ours) with ordinality u (tag, place)
                where not (u.tag = any (base))
            ) x
            group by x.tag
        ) y
    );

-- As in 20261128001200, with status and tags merged, and what they told remembered as what both agree on.
create or replace function support_app.upsert_ticket(tenant uuid, ticket jsonb) returns uuid
    language plpgsql volatile
as $upsert$
declare
    told record;
    found_id uuid;
    base_status text;
    base_tags text[];
begin
    perform set_config('desk.actor', coalesce(ticket ->> 'provider', 'desk'), true);
    select t.* into told from jsonb_to_record(ticket) as t (
        id uuid, provider text, external_id text, subject text, channel text, source text, status text, priority text,
        customer_id text, customer_external_id text, customer_email text, customer_name text, tags text[],
        external_updated_at timestamptz);
    -- Locked first, so that what both agreed on belongs to the row that is changed.
    select t.id into found_id from support_app.ticket t
    where t.tenant_id = tenant and t.provider = told.provider and t.external_id = told.external_id
    for update;
    if found_id is not null then
        select b.status, b.tags into base_status, base_tags from support_app.help_desk_base b
        where b.ticket_id = found_id;
        -- What is known gives way only to what is not older; what the news leave out stays as it is.
        update support_app.ticket t set
            subject = coalesce(told.subject, t.subject),
            channel = coalesce(told.channel, t.channel),
            source = coalesce(told.source, t.source),
            status = support_app.merged_status(t.status, t.snoozed_until, base_status, told.status,
                                               t.merged_into is not null),
            -- Somebody woke it there.
            snoozed_until = case when support_app.coarse_status(told.status, null) = 'open' and base_status = 'closed'
                                 then null else t.snoozed_until end,
            priority = coalesce(told.priority, t.priority),
            customer_id = coalesce(told.customer_id, t.customer_id),
            customer_external_id = coalesce(told.customer_external_id, t.customer_external_id),
            customer_email = coalesce(told.customer_email, t.customer_email),
            customer_name = coalesce(told.customer_name, t.customer_name),
            tags = case when told.tags is null then t.tags
                        else support_app.merged_tags(t.tags, coalesce(base_tags, t.tags), told.tags) end,
            external_updated_at = coalesce(told.external_updated_at, t.external_updated_at),
            updated_at = now()
        where t.id = found_id
          and (t.external_updated_at is null or told.external_updated_at is null
               or t.external_updated_at <= told.external_updated_at);
        if found then
            perform support_app.agree(tenant, found_id, told.status, told.tags);
        end if;
        return found_id;
    end if;
    -- Two first messages at once: the second waits here and takes the first one's row, leaving it as it is.
    insert into support_app.ticket as t
        (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority, customer_id,
         customer_external_id, customer_email, customer_name, tags, external_updated_at)
    values (told.id, tenant, support_app.next_ticket_number(), told.provider, told.external_id, told.subject,
        coalesce(told.channel, 'unknown'), coalesce(told.source, 'unknown'), coalesce(told.status, 'open'),
        coalesce(told.priority, 'normal'), told.customer_id, told.customer_external_id, told.customer_email,
        told.customer_name, coalesce(told.tags, '{}'), told.external_updated_at)
    on conflict (tenant_id, provider, external_id) do update set updated_at = t.updated_at
    returning t.id into found_id;
    perform support_app.agree(tenant, found_id, coalesce(told.status, 'open'), coalesce(told.tags, '{}'));
    return found_id;
end
$upsert$;

-- Remembers what the help desk told; what it left out is as it was.
create function support_app.agree(tenant uuid, ticket uuid, told_status text, told_tags text[]) returns void
    language sql volatile
as $agree$
    insert into support_app.help_desk_base as b (ticket_id, tenant_id, status, tags)
    select t.id, tenant, support_app.coarse_status(coalesce(told_status, t.status), null), coalesce(told_tags, t.tags)
    from support_app.ticket t where t.id = agree.ticket
    on conflict (ticket_id) do update set
        status = case when told_status is null then b.status else excluded.status end,
        tags = case when told_tags is null then b.tags else excluded.tags end,
        agreed_at = clock_timestamp()
$agree$;

do $policies$
declare
    name text;
begin
    foreach name in array array['help_desk_base', 'help_desk_cursor', 'help_desk_difference'] loop
        execute format('alter table support_app.%I enable row level security', name);
        execute format(
            'create policy own_tenant on support_app.%I to desk_support '
            'using (tenant_id = (select shared.current_tenant())) '
            'with check (tenant_id = (select shared.current_tenant()))', name);
    end loop;
end
$policies$;

grant select, insert, update, delete on support_app.help_desk_base, support_app.help_desk_cursor,
    support_app.help_desk_difference to desk_support;
