-- The history of a ticket is in the order in which its changes were made. Each was stamped with the time at which its
-- transaction began, and one that began early may wait for the ticket's row: of two at once the later change came first, and
-- what a field was before was not what it had become. Now a change comes after those that are there. What a help desk tells
-- keeps the help desk's time, and one of its times that is yet to come moves nothing.

-- As in 20261129002000_statuses_in_order, and a status begins after what was written before it: whoever answers and resolves
-- has answered first, also when their transaction began before the message that they answer.
create or replace function support_app.ticket_will_change() returns trigger
    language plpgsql
as $will$
begin
    new.version := old.version + 1;
    new.updated_at := now();
    if new.status is distinct from old.status then
        new.status_since := greatest(
            case when new.external_updated_at is distinct from old.external_updated_at then new.external_updated_at
                 when new.last_message_at <= clock_timestamp() then greatest(now(), new.last_message_at)
                 else now() end,
            -- Written so that the planner takes the index by ticket, and none of all that a tenant's statuses became.
            (select max(c.at) from support_app.ticket_change c
             where c.ticket_id = new.id and c.field || '' = 'status') + interval '1 microsecond');
        new.resolved_at := case when new.status in ('resolved', 'closed')
                                then coalesce(old.resolved_at, new.status_since) end;
        new.closed_at := case when new.status = 'closed' then new.status_since end;
        if old.status in ('resolved', 'closed') and new.status not in ('resolved', 'closed') then
            new.reopened_count := old.reopened_count + 1;
        end if;
    end if;
    return new;
end
$will$;

-- As in 20261129000700_replies_and_status but for the time.
create or replace function support_app.ticket_changed() returns trigger
    language plpgsql
as $changed$
declare
    before jsonb := to_jsonb(old);
    after jsonb := to_jsonb(new);
    field text;
    changed text[] := '{}';
    moment timestamptz;
begin
    foreach field in array array['status', 'priority', 'assignee_id', 'assignment_state', 'department', 'skills', 'tags',
                                 'subject', 'channel', 'customer_id', 'custom', 'language', 'snoozed_until', 'is_spam',
                                 'suspended_reason', 'merged_into', 'archived_at'] loop
        if before -> field is distinct from after -> field then
            changed := changed || field;
            if moment is null then
                moment := case when new.external_updated_at is distinct from old.external_updated_at
                                   then new.external_updated_at
                               else greatest(now(), (
                                   select max(c.at) + interval '1 microsecond' from support_app.ticket_change c
                                   where c.ticket_id = new.id and c.at > now() and c.at < clock_timestamp())) end;
            end if;
            insert into support_app.ticket_change (tenant_id, ticket_id, at, actor, reason, field, old, new)
            values (new.tenant_id, new.id, case when field = 'status' then new.status_since else moment end,
                support_app.ticket_actor(), nullif(current_setting('desk.reason', true), ''), field,
                nullif(before -> field, 'null'), nullif(after -> field, 'null'));
        end if;
    end loop;
    if (old.customer_email, old.customer_name) is distinct from (new.customer_email, new.customer_name) then
        changed := changed || 'customer'::text;
    end if;
    if old.message_count is distinct from new.message_count then
        changed := changed || 'messages'::text;
    end if;
    perform support_app.emit(new.tenant_id, 'ticket_update', new.id, new.assignee_id, jsonb_build_object(
        'version', new.version, 'changed', changed, 'status', new.status, 'priority', new.priority,
        'assignee_id', new.assignee_id, 'message_count', new.message_count));
    return null;
end
$changed$;
