-- What a ticket's row costs whenever it is written: it gets an entry in each index that takes it, and a call of each trigger.

-- At once and whole, so that nobody who reads tickets and means to write them waits for us while we wait for them.
lock table support_app.ticket in access exclusive mode;

-- Nobody asks an order for the tickets of no agent or of no department by these: what nobody has is in
-- ticket_smart_unassigned, and most new tickets have neither.
create index ticket_smart_of_assignee on support_app.ticket (tenant_id, assignee_id, rank desc, id desc)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null
      and assignee_id is not null;
create index ticket_smart_of_department on support_app.ticket (tenant_id, department, rank desc, id desc)
    where status in ('open', 'pending') and archived_at is null and not is_spam and suspended_reason is null
      and department is not null;
drop index support_app.ticket_smart_by_assignee;
drop index support_app.ticket_smart_by_department;

-- As in 20261128001300_sla, and called only where the tier changes.
create or replace trigger ticket_tier after update on support_app.ticket
    for each row when (old.customer_tier is distinct from new.customer_tier)
    execute function support_app.ticket_tier_changed();
