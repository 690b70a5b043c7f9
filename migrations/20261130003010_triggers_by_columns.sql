-- What decides whether a trigger of a ticket is called is read out of its text for each statement, some eighteen thousand
-- letters of it, however little the statement sets: forty microseconds of the two hundred that it takes to store what was
-- derived of a ticket. With the columns named before it, those that a statement sets none of cost nothing.
--
-- No column of these lists is changed by a trigger before: ticket_will_change writes others, and ticket_stays_erased gives
-- the columns of an erased ticket the values that they have.

-- At once and whole, so that nobody who has read tickets and means to write them waits for us while we wait for them.
lock table support_app.ticket in access exclusive mode;

create or replace trigger ticket_version before update of
    status, priority, assignee_id, assignment_state, department, skills, tags, subject, channel, customer_id,
    customer_email, customer_name, custom, language, snoozed_until, is_spam, suspended_reason, merged_into,
    archived_at, message_count
    on support_app.ticket for each row when (
        old.status is distinct from new.status or old.priority is distinct from new.priority or
        old.assignee_id is distinct from new.assignee_id or
        old.assignment_state is distinct from new.assignment_state or
        old.department is distinct from new.department or old.skills is distinct from new.skills or
        old.tags is distinct from new.tags or old.subject is distinct from new.subject or
        old.channel is distinct from new.channel or old.customer_id is distinct from new.customer_id or
        old.customer_email is distinct from new.customer_email or
        old.customer_name is distinct from new.customer_name or old.custom is distinct from new.custom or
        old.language is distinct from new.language or old.snoozed_until is distinct from new.snoozed_until or
        old.is_spam is distinct from new.is_spam or old.suspended_reason is distinct from new.suspended_reason or
        old.merged_into is distinct from new.merged_into or old.archived_at is distinct from new.archived_at or
        old.message_count is distinct from new.message_count
    ) execute function support_app.ticket_will_change();

create or replace trigger ticket_rules_changed after update of
    status, priority, assignee_id, department, skills, tags, subject, channel, customer_id, custom, language,
    snoozed_until, is_spam, suspended_reason
    on support_app.ticket for each row when (
        old.status is distinct from new.status or old.priority is distinct from new.priority or
        old.assignee_id is distinct from new.assignee_id or old.department is distinct from new.department or
        old.skills is distinct from new.skills or old.tags is distinct from new.tags or
        old.subject is distinct from new.subject or old.channel is distinct from new.channel or
        old.customer_id is distinct from new.customer_id or old.custom is distinct from new.custom or
        old.language is distinct from new.language or old.snoozed_until is distinct from new.snoozed_until or
        old.is_spam is distinct from new.is_spam or old.suspended_reason is distinct from new.suspended_reason
    ) execute function support_app.ticket_changed_for_rules();

create or replace trigger ticket_weight_changed after update of
    assignee_id, channel, status, snoozed_until, archived_at, merged_into, is_spam, suspended_reason
    on support_app.ticket for each row when (
        old.assignee_id is distinct from new.assignee_id or old.channel is distinct from new.channel or
        old.status is distinct from new.status or old.snoozed_until is distinct from new.snoozed_until or
        old.archived_at is distinct from new.archived_at or old.merged_into is distinct from new.merged_into or
        old.is_spam is distinct from new.is_spam or old.suspended_reason is distinct from new.suspended_reason
    ) execute function support_app.ticket_weighs();

create or replace trigger ticket_tags_changed after update of tags on support_app.ticket
    for each row when (old.tags is distinct from new.tags) execute function support_app.ticket_tagged();
