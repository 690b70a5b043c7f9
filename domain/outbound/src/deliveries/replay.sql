-- Makes a delivery anew of each of these, one an event and endpoint. Parameter: 1 the deliveries.
insert into outbound.webhook_delivery (tenant_id, endpoint_id, event_id, seq, type, replay_of)
select distinct on (d.endpoint_id, d.event_id) d.tenant_id, d.endpoint_id, d.event_id, d.seq, d.type, d.id
from outbound.webhook_delivery d
where d.id = any ($1)
order by d.endpoint_id, d.event_id, d.created_at desc
returning id, endpoint_id
