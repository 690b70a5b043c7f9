-- Tickets that name a person, or in which an address of theirs stands. Each way to find them reads an index of its own;
-- addresses are written in any case, and the words of a ticket are in small letters. A report of a mail that did not reach
-- an address is about whoever has it.
-- Parameters: 1 the shop's ids, 2 addresses in small letters, 3 how many.
with
tenant as materialized (select shared.current_tenant() as id),
candidates as (
    select t.id from support_app.ticket t where t.tenant_id = (select id from tenant) and t.customer_id = any($1)
    union
    select t.id from support_app.ticket t where t.tenant_id = (select id from tenant) and t.known_customer = any($1)
    union
    select t.id from support_app.ticket t where t.tenant_id = (select id from tenant) and t.customer_email = any($2)
    union
    select s.ticket_id from unnest($2::text[]) e (email)
    cross join lateral support_app.search_tickets(phraseto_tsquery('simple', e.email), null, null, $3::integer) s
)
select t.id, t.customer_email, t.customer_external_id, t.customer_name,
       coalesce(t.customer_id = any($1), false)
       or t.customer_id is null and (coalesce(t.known_customer = any($1), false)
                                     or coalesce(lower(t.customer_email) = any($2), false)) as is_theirs,
       -- Nothing but what mail servers report: of a mail to them that came back, and in no ticket of theirs.
       t.customer_id is null and (
           select bool_and(m.by_machine and coalesce(
               m.machine = 'it is a delivery report'
               or m.sender_email ~ '^(mailer-daemon|postmaster|mail-daemon|mailerdaemon)@', false))
           from support_app.message m where m.ticket_id = t.id
       ) is true as is_report
from candidates c join support_app.ticket t on t.id = c.id
where t.erased_at is null
order by t.id limit $3
