-- Looking up jobs by their ids is what claims and completions do, and only the primary key may serve it.
--
-- While a table is tiny every index is as good as any other to the planner, and it took the one by tenant and id for a
-- look-up by id: a plan that reads that whole index for every job. Such a plan is kept until statistics are taken
-- again, and when a flood came meanwhile nothing started for seconds. An index with a condition is looked at only by
-- statements that imply it, as everything that names a tenant does.
create index live_of_tenant on jobs.live (tenant_id, id) where tenant_id is not null;
drop index jobs.live_tenant;
