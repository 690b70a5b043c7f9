-- What a reply makes of its ticket's status, so that one that does not leave can take it back; when a message came to a ticket
-- by a merge; a change of whom a ticket is about is a new version; and indexes for two lists of work.

alter table support_app.message
    -- Of a reply that changed its ticket's status: what that was, and what it became.
    add column status_before text,
    add column status_with   text,
    -- When a merge, or its end, brought it to the ticket that it is in: for who writes there it is news from then on.
    add column moved_at      timestamptz;
alter table support_app.message add constraint message_status_known
    check (status_before in ('open', 'pending', 'resolved', 'closed')
           and status_with in ('open', 'pending', 'resolved', 'closed')) not valid;

-- A reply that was scheduled is overtaken when the conversation went on before its time.
alter table support_app.message drop constraint message_not_sent_known;
alter table support_app.message add constraint message_not_sent_known
    check (not_sent_because in ('no_mailbox', 'no_mail_server', 'no_address', 'overtaken')) not valid;

-- As in 20261128001000_desk, and who a ticket is about is told as well: that it changed, and no word of what it says.
create or replace function support_app.ticket_changed() returns trigger
    language plpgsql
as $changed$
declare
    before jsonb := to_jsonb(old);
    after jsonb := to_jsonb(new);
    field text;
    changed text[] := '{}';
begin
    foreach field in array array['status', 'priority', 'assignee_id', 'assignment_state', 'department', 'skills', 'tags',
                                 'subject', 'channel', 'customer_id', 'custom', 'language', 'snoozed_until', 'is_spam',
                                 'suspended_reason', 'merged_into', 'archived_at'] loop
        if before -> field is distinct from after -> field then
            changed := changed || field;
            insert into support_app.ticket_change (tenant_id, ticket_id, at, actor, reason, field, old, new)
            values (new.tenant_id, new.id,
                case when field = 'status' then new.status_since
                     when new.external_updated_at is distinct from old.external_updated_at then new.external_updated_at
                     else now() end,
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

drop trigger ticket_version on support_app.ticket;
create trigger ticket_version before update on support_app.ticket
    for each row when (
        (old.status, old.priority, old.assignee_id, old.assignment_state, old.department, old.skills, old.tags,
         old.subject, old.channel, old.customer_id, old.customer_email, old.customer_name, old.custom, old.language,
         old.snoozed_until, old.is_spam, old.suspended_reason, old.merged_into, old.archived_at, old.message_count)
        is distinct from
        (new.status, new.priority, new.assignee_id, new.assignment_state, new.department, new.skills, new.tags,
         new.subject, new.channel, new.customer_id, new.customer_email, new.customer_name, new.custom, new.language,
         new.snoozed_until, new.is_spam, new.suspended_reason, new.merged_into, new.archived_at, new.message_count))
    execute function support_app.ticket_will_change();

-- What sleeps is a small part of what is worked on, and so is what is at risk or overdue.
create index ticket_asleep on support_app.ticket (tenant_id, rank desc, id desc)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null
      and snoozed_until is not null;
create index ticket_due_by_state on support_app.ticket (tenant_id, sla_state, sla_due_at, id)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null
      and sla_due_at is not null;
