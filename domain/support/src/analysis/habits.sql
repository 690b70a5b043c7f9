-- In which languages the people around a ticket write; no row for a ticket that there is not.
-- Parameter: 1 the ticket.
with
this as (
    select id, tenant_id, customer_id, customer_email from support_app.ticket where id = $1
),
-- The customer's latest other ticket, found as the shop knows the customer and by the address. Somebody who has thousands of
-- them (a marketplace's address) is no reason to read them all.
of_customer as (
    select o.language, o.created_at, o.id
    from this cross join lateral (
        select t.language, t.created_at, t.id from support_app.ticket t
        where t.tenant_id = this.tenant_id and t.customer_id = this.customer_id
          and t.id <> this.id and t.language is not null and not t.is_spam
        order by t.created_at desc, t.id desc limit 1
    ) o
    union all
    select o.language, o.created_at, o.id
    from this cross join lateral (
        select t.language, t.created_at, t.id from support_app.ticket t
        where t.tenant_id = this.tenant_id and t.customer_email = this.customer_email
          and t.id <> this.id and t.language is not null and not t.is_spam
        order by t.created_at desc, t.id desc limit 1
    ) o
),
-- The shop's newest: what was long ago says little, and more of them no more.
newest as (
    select o.language
    from this cross join lateral (
        select t.language, t.is_spam, t.id from support_app.ticket t
        where t.tenant_id = this.tenant_id order by t.created_at desc, t.id desc limit 300
    ) o
    where o.id <> this.id and o.language is not null and not o.is_spam
),
usual as (
    select language, count(*) as many, sum(count(*)) over () as whole from newest group by language
)
select (select c.language from of_customer c order by c.created_at desc, c.id desc limit 1) as of_customer,
       -- What a few tickets have in common is chance; then the help page's own language says more.
       (select u.language from usual u where u.many * 2 > u.whole and u.whole >= 10) as of_shop
from this
