-- A delivery that was put off because its endpoint failed too often: until when nothing is sent there. Whoever sends it now by
-- hand is told so.
alter table outbound.webhook_delivery add column circuit_until timestamptz;
