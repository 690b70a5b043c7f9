-- A delivery with its event and its endpoint. Parameter: 1 the delivery.
select d.endpoint_id, d.event_id, d.type, d.state, d.attempts, d.waits, d.waiting_since, d.next_at, v.data, v.at, e.url,
       e.ordered, e.state as endpoint_state, e.removed_at is not null as is_removed, e.sealed_secret,
       e.sealed_old_secret, e.old_secret_until,
       -- Of an ordered endpoint the first that waits goes.
       e.ordered and exists (
           select from outbound.webhook_delivery f
           where f.endpoint_id = d.endpoint_id and f.state = 'waiting' and f.type <> 'webhook.test'
             and (f.seq, f.created_at) < (d.seq, d.created_at)) as others_first
from outbound.webhook_delivery d
join outbound.event v on v.id = d.event_id
join outbound.endpoint e on e.id = d.endpoint_id
where d.id = $1
