-- Tickets of a customer, newest first. Each way to know them reads an index of its own, no more than a page; a ticket that
-- more than one finds is one. Whom the help desk's own id names was found by a look.
-- Parameters: 1 the shop's id, 2 addresses, 3 and 4 the place to go on from or null, 5 how many, 6 only open and pending.
with found as (
    (select t.id from support_app.ticket t
     where t.tenant_id = (select shared.current_tenant()) and t.customer_id = $1
       and ($3::timestamptz is null or (t.created_at, t.id) < ($3, $4))
       and (not $6 or t.status in ('open', 'pending'))
     order by t.created_at desc, t.id desc limit $5)
    union
    (select t.id from support_app.ticket t
     where t.tenant_id = (select shared.current_tenant()) and t.known_customer = $1
       and ($3::timestamptz is null or (t.created_at, t.id) < ($3, $4))
       and (not $6 or t.status in ('open', 'pending'))
     order by t.created_at desc, t.id desc limit $5)
    union
    select n.id from unnest($2::text[]) a (address)
    cross join lateral (
        select t.id from support_app.ticket t
        where t.tenant_id = (select shared.current_tenant()) and t.customer_email = a.address
          and ($3::timestamptz is null or (t.created_at, t.id) < ($3, $4))
          and (not $6 or t.status in ('open', 'pending'))
        order by t.created_at desc, t.id desc limit $5
    ) n
)
select t.*, support_app.reply_fault(t.id) as reply_fault from found f join support_app.ticket t on t.id = f.id
order by t.created_at desc, t.id desc limit $5
