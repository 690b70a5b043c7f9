-- Who was erased and comes again in a file or from another system is not made known again, and what went to many gets no
-- automatic answer.

-- What an erased customer was known by: HMAC-SHA256 under a key of the tenant's that is made of the master key and is not in
-- the database, so nobody learns from a row whom it is about, and whoever is named can be looked for.
create table platform.erased_identity (
    tenant_id    uuid not null references shared.tenant (id),
    kind         text not null,
    mac          bytea not null,
    -- What stands for them in orders and statistics.
    token        text not null,
    erased_at    timestamptz not null,
    -- When they came back by themselves: what happened since the erasure is a new relation then.
    came_back_at timestamptz,
    primary key (tenant_id, mac),
    constraint erased_identity_kind_known check (kind in ('shop', 'email', 'phone', 'desk')),
    constraint erased_identity_mac_length check (octet_length(mac) = 32),
    constraint erased_identity_token_form check (token like 'erased-%')
);
alter table platform.erased_identity enable row level security;
create policy own_tenant on platform.erased_identity to desk_platform, desk_support
    using (tenant_id = (select shared.current_tenant()))
    with check (tenant_id = (select shared.current_tenant()));
grant select, insert, update on platform.erased_identity to desk_platform;
grant select, update (came_back_at) on platform.erased_identity to desk_support;

alter table support_app.message
    -- It went to many, or asks for no automatic answer; a person may have written it all the same.
    add column no_automatic_answer boolean not null default false;

-- Whose a ticket is on both sides. Agents are known by their addresses; who is known on one side alone is left where they are.
alter table support_app.help_desk_base
    -- Who had it here when both sides were looked at last.
    add column assignee_id     uuid,
    -- Who had it there then: an address, empty for nobody.
    add column assignee_theirs text not null default '',
    -- Who they told that has it since, if that is somebody else.
    add column assignee_told   text;

create function support_app.hear_assignee(ticket uuid, told text) returns void
    language sql volatile
as $hear$
    update support_app.help_desk_base b set assignee_told = told
    where b.ticket_id = hear_assignee.ticket and told is not null
      and told is distinct from coalesce(b.assignee_told, b.assignee_theirs)
$hear$;

-- A help desk's ticket that is final here, of which they tell that it goes on: it keeps what it has under another name, and
-- what is told from now on belongs to a new ticket that follows it. Answers the former one; null when nothing goes on.
create function support_app.leave_final(
    tenant uuid, told_provider text, told_external text, told_status text, told_at timestamptz,
    customer_message text, customer_wrote_at timestamptz
) returns uuid
    language plpgsql volatile
as $leave$
declare
    former record;
    goes_on boolean;
begin
    select t.id, t.number, t.resolved_at, t.external_updated_at, b.status as base_status into former
    from support_app.ticket t
    left join support_app.ticket_setting s on s.tenant_id = t.tenant_id
    left join support_app.help_desk_base b on b.ticket_id = t.id
    where t.tenant_id = leave_final.tenant and t.provider = told_provider and t.external_id = told_external
      and t.status in ('resolved', 'closed') and t.merged_into is null and t.erased_at is null
      and t.resolved_at + make_interval(days => coalesce(s.final_after_days, 7)) <= now()
    for update of t;
    if not found then
        return null;
    end if;
    -- The customer wrote since, or somebody opened it there after both sides had it closed.
    goes_on := (customer_wrote_at > former.resolved_at and not exists (
            select from support_app.message m
            where m.tenant_id = leave_final.tenant and m.ticket_id = former.id and m.external_id = customer_message))
        or (support_app.coarse_status(told_status, null) = 'open' and former.base_status = 'closed'
            and told_at > former.resolved_at and told_at >= coalesce(former.external_updated_at, told_at));
    if not coalesce(goes_on, false) then
        return null;
    end if;
    update support_app.ticket t set external_id = t.external_id || '/' || t.number where t.id = former.id;
    delete from support_app.help_desk_base b where b.ticket_id = former.id;
    return former.id;
end
$leave$;

-- What a former ticket has is told again with the one that follows it, and stays where it is.
create function support_app.message_stays_with_former() returns trigger
    language plpgsql
as $former$
begin
    if exists (
        with recursive former (id) as (
            select t.follow_up_of from support_app.ticket t where t.id = new.ticket_id and t.provider <> 'desk'
            union
            select t.follow_up_of from support_app.ticket t join former f on t.id = f.id
        )
        select from former f join support_app.message m
            on m.tenant_id = new.tenant_id and m.ticket_id = f.id and m.external_id = new.external_id
    ) then
        return null;
    end if;
    return new;
end
$former$;
create trigger message_of_former before insert on support_app.message
    for each row when (new.external_id <> new.id::text) execute function support_app.message_stays_with_former();

-- As in 20261128001710_help_desk_sync, with the tickets that follow final ones, and with whose it is there.
create or replace function support_app.upsert_ticket(tenant uuid, ticket jsonb) returns uuid
    language plpgsql volatile
as $upsert$
declare
    told record;
    found_id uuid;
    former uuid;
    base_status text;
    base_tags text[];
begin
    perform set_config('desk.actor', coalesce(ticket ->> 'provider', 'desk'), true);
    select t.* into told from jsonb_to_record(ticket) as t (
        id uuid, provider text, external_id text, subject text, channel text, source text, status text, priority text,
        customer_id text, customer_external_id text, customer_email text, customer_name text, tags text[],
        external_updated_at timestamptz, customer_message text, customer_wrote_at timestamptz, assignee text);
    former := support_app.leave_final(tenant, told.provider, told.external_id, told.status,
                                      told.external_updated_at, told.customer_message, told.customer_wrote_at);
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
            perform support_app.hear_assignee(found_id, told.assignee);
        end if;
        return found_id;
    end if;
    -- Two first messages at once: the second waits here and takes the first one's row, leaving it as it is.
    insert into support_app.ticket as t
        (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority, customer_id,
         customer_external_id, customer_email, customer_name, tags, external_updated_at, follow_up_of)
    values (told.id, tenant, support_app.next_ticket_number(), told.provider, told.external_id, told.subject,
        coalesce(told.channel, 'unknown'), coalesce(told.source, 'unknown'), coalesce(told.status, 'open'),
        coalesce(told.priority, 'normal'), told.customer_id, told.customer_external_id, told.customer_email,
        told.customer_name, coalesce(told.tags, '{}'), told.external_updated_at, former)
    on conflict (tenant_id, provider, external_id) do update set updated_at = t.updated_at
    returning t.id into found_id;
    perform support_app.agree(tenant, found_id, coalesce(told.status, 'open'), coalesce(told.tags, '{}'));
    perform support_app.hear_assignee(found_id, told.assignee);
    return found_id;
end
$upsert$;

alter table support_app.rule_trial
    -- What of the past is not known, and was taken as of the day of the trial.
    add column remarks text[] not null default '{}';
