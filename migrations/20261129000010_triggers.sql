-- What triggers of tickets, messages and alerts, and deliveries of help desks, ask for each row, in a language whose statements are planned once a
-- session; those of language sql are planned anew for each call, which was half of what an alert cost.

create or replace function support_app.emit(tenant uuid, kind text, ticket uuid, agent uuid, payload jsonb) returns void
    language plpgsql volatile
as $emit$
begin
    insert into support_app.event_pending (tenant_id, kind, ticket_id, agent_id, payload)
    values (emit.tenant, emit.kind, emit.ticket, emit.agent, emit.payload);
end
$emit$;

create or replace function support_app.rules_want(tenant uuid, what text) returns boolean
    language plpgsql stable
as $want$
begin
    return exists (select from support_app.rule r
                   where r.tenant_id = tenant and r.event = what and r.is_on and r.archived_at is null);
end
$want$;

create or replace function support_app.note_cause(tenant uuid, ticket uuid, what text, message uuid, more jsonb) returns void
    language plpgsql volatile
as $note$
declare
    acting text := support_app.acting_rule();
begin
    if support_app.rules_want(tenant, what) then
        insert into support_app.rule_cause (tenant_id, ticket_id, event, message_id, detail, by_rule, by_position)
        values (tenant, ticket, what, message, more, split_part(acting, ':', 1)::uuid, split_part(acting, ':', 2)::integer);
    end if;
end
$note$;

create or replace function outbound.listens(tenant uuid, type text) returns boolean
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $listens$
begin
    return exists (select from outbound.endpoint e
                   where e.tenant_id = listens.tenant and e.removed_at is null and e.state <> 'disabled'
                     and outbound.wants(e.events, listens.type))
        or exists (select from outbound.alert_rule r
                   where r.tenant_id = listens.tenant and r.is_on and outbound.wants(r.events, listens.type));
end
$listens$;

create or replace function support_app.agree(tenant uuid, ticket uuid, told_status text, told_tags text[]) returns void
    language plpgsql volatile
as $agree$
begin
    insert into support_app.help_desk_base as b (ticket_id, tenant_id, status, tags)
    select t.id, agree.tenant, support_app.coarse_status(coalesce(told_status, t.status), null), coalesce(told_tags, t.tags)
    from support_app.ticket t where t.id = agree.ticket
    on conflict (ticket_id) do update set
        status = case when told_status is null then b.status else excluded.status end,
        tags = case when told_tags is null then b.tags else excluded.tags end,
        agreed_at = clock_timestamp();
end
$agree$;

create or replace function support_app.hear_assignee(ticket uuid, told text) returns void
    language plpgsql volatile
as $hear$
begin
    update support_app.help_desk_base b set assignee_told = told
    where b.ticket_id = hear_assignee.ticket and told is not null
      and told is distinct from coalesce(b.assignee_told, b.assignee_theirs);
end
$hear$;

create or replace function support_app.current_ticket(ticket uuid) returns uuid
    language plpgsql stable
as $current$
begin
    return (select coalesce(t.merged_into, t.id) from support_app.ticket t where t.id = current_ticket.ticket);
end
$current$;

-- As in 20261128002400_erased_identities, one look at the message's own ticket where it follows none, which is nearly
-- always: every message that comes from outside asks this.
create or replace function support_app.message_stays_with_former() returns trigger
    language plpgsql
as $former$
declare
    former uuid;
    seen integer := 0;
begin
    select t.follow_up_of into former from support_app.ticket t where t.id = new.ticket_id and t.provider <> 'desk';
    -- A ticket follows one that was there before it, so the chain ends; the bound is for rows that somebody wrote by hand.
    while former is not null and seen < 1000 loop
        if exists (select from support_app.message m
                   where m.tenant_id = new.tenant_id and m.ticket_id = former and m.external_id = new.external_id) then
            return null;
        end if;
        select t.follow_up_of into former from support_app.ticket t where t.id = former;
        seen := seen + 1;
    end loop;
    return new;
end
$former$;
