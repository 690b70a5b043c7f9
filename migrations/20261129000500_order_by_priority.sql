-- The claimable jobs of a queue by priority and age, so that the first of each priority are one step away in the index
-- however many others wait. What Redis lost of them is found by it: an urgent job behind a hundred thousand others too.
-- It has the columns of `live_ready` and one more, which no claim changes. Programs of the version before read by queue
-- and age; until they are replaced they sort what they read.
create index live_order on jobs.live (queue, priority, id) where due_at is null and not parked;
drop index jobs.live_ready;
