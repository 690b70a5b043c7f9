-- Tickets are locked in one order, and `for no key update` (domain/support/src/tickets/lock.rs has the rule): a row that
-- refers to a ticket may be added beside that, and two who each added one and then change the ticket do not wait for each
-- other.

-- A delivery for a ticket that was merged changes the one in which that goes on as well: both are taken at once, by id.
create function support_app.hold_told(tenant uuid, told_provider text, told_external text) returns void
    language plpgsql volatile
as $hold$
begin
    perform from support_app.ticket t
    where t.id in (
        select unnest(array[x.id, x.merged_into]) from support_app.ticket x
        where x.tenant_id = hold_told.tenant and x.provider = told_provider and x.external_id = told_external
          and x.merged_into is not null)
    order by t.id
    for no key update;
end
$hold$;

-- The functions that take a delivery in stay as they are but for their locks, so they are rewritten and not repeated.
-- `leave_final` changes the key of a row, and keeps the lock that this needs.
do $locks$
declare
    one record;
    before text;
    after text;
begin
    for one in
        select * from (values
            ('support_app.upsert_ticket(uuid, jsonb)', 'for update;', 'for no key update;'),
            ('support_app.upsert_ticket(uuid, jsonb)', 'former := support_app.leave_final(',
             'perform support_app.hold_told(tenant, told.provider, told.external_id);' || chr(10)
                 || '    former := support_app.leave_final('),
            ('support_app.store_messages(uuid, uuid, jsonb, integer)', 'for update;', 'for no key update;')
        ) x (name, old, new)
    loop
        before := pg_get_functiondef(one.name::regprocedure);
        after := replace(before, one.old, one.new);
        if after = before then
            raise exception '% has no "%"', one.name, one.old;
        end if;
        execute after;
    end loop;
end
$locks$;
