-- Notes that a delivery arrived: the usual end, in one statement, which also says whether others of the endpoint were put
-- off. Parameters: 1 tenant, 2 delivery, 3 endpoint, 4 when it was sent, 5 how long it took in ms, 6 status, 7 and 8
-- headers that were sent and came back, 9 the answer's beginning, 10 now, 11 and 12 between which those come back that
-- were put off (as in take_over.sql).
with listed as (
    insert into outbound.attempt
        (tenant_id, delivery_id, at, took_ms, outcome, status, request_headers, response_headers, response_body)
    values ($1, $2, $4, $5, 'delivered', $6, $7, $8, $9)
), ended as (
    update outbound.webhook_delivery
    set state = 'delivered', last_status = $6, last_error = null, ended_at = clock_timestamp()
    where id = $2 and state = 'waiting'
), works as (
    -- The endpoint's row is left alone when all of that is known, because its deliveries share it.
    update outbound.endpoint set failing_since = null, failures = 0, last_success_at = $10
    where id = $3
      and (failing_since is not null or last_success_at is null or last_success_at < $10::timestamptz - interval '1 minute')
)
select exists (
    select from outbound.webhook_delivery w
    where w.endpoint_id = $3 and w.state = 'waiting' and w.type <> 'webhook.test' and w.waits > 0 and w.attempts = 0
      and w.waiting_since is null and w.next_at > $11 and w.next_at < $12)
