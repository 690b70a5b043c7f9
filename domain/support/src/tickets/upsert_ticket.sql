-- Creates or updates a ticket from what the help desk told. Parameters: 1 id for a new ticket, 2 tenant,
-- 3 provider, 4 external id, 5 subject, 6 channel, 7 source, 8 status, 9 priority, 10 the shop's customer id,
-- 11 the help desk's customer id, 12 customer's e-mail, 13 name, 14 tags, 15 last change by the help desk's clock.
with
-- What is known gives way only to what is not older; what the news leave out stays as it is.
updated as (
    update support_app.ticket set
        subject = coalesce($5, subject),
        channel = coalesce($6, channel),
        source = $7,
        status = coalesce($8, status),
        priority = coalesce($9, priority),
        customer_id = coalesce($10, customer_id),
        customer_external_id = coalesce($11, customer_external_id),
        customer_email = coalesce($12, customer_email),
        customer_name = coalesce($13, customer_name),
        tags = $14,
        external_updated_at = coalesce($15, external_updated_at),
        updated_at = now()
    where tenant_id = $2 and provider = $3 and external_id = $4
      and (external_updated_at is null or $15::timestamptz is null or external_updated_at <= $15)
    returning id
),
-- A number is drawn only for a ticket that was not there when the statement began.
fresh as (
    select support_app.next_ticket_number() as number
    where not exists (
        select from support_app.ticket where tenant_id = $2 and provider = $3 and external_id = $4)
),
-- Two first messages at once: the second waits here and takes the first one's row, leaving it as it is.
inserted as (
    insert into support_app.ticket as t
        (id, tenant_id, number, provider, external_id, subject, channel, source, status, priority, customer_id,
         customer_external_id, customer_email, customer_name, tags, external_updated_at)
    select $1, $2, number, $3, $4, $5, coalesce($6, 'unknown'), $7, coalesce($8, 'open'), coalesce($9, 'normal'),
           $10, $11, $12, $13, $14, $15
    from fresh
    on conflict (tenant_id, provider, external_id) do update set updated_at = t.updated_at
    returning id
)
select id from updated
union all select id from inserted
union all
-- The news were older than what is known.
select id from support_app.ticket
where tenant_id = $2 and provider = $3 and external_id = $4
  and not exists (select from updated) and not exists (select from inserted)
limit 1
