-- A status begins after the one that it follows. A help desk's times are its own, and not all that it tells has one: when it
-- closed a ticket without saying when, and is found to have it open since an earlier time than ours of that moment, the
-- history would have the closing last, and every clock of a ticket that is worked on would have ended.
create or replace function support_app.ticket_will_change() returns trigger
    language plpgsql
as $will$
begin
    new.version := old.version + 1;
    new.updated_at := now();
    if new.status is distinct from old.status then
        new.status_since := greatest(
            case when new.external_updated_at is distinct from old.external_updated_at then new.external_updated_at
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
