-- Lists of customers by risk and by value, at any size: a page is read from an index's end.
--
-- Both indexes are partial, and must be: until a new generation is analysed the planner believes that it has one row,
-- takes any index on (tenant_id, generation) for as good as the primary key, and reads the whole generation for one
-- customer. A partial index is looked at only by queries that say its condition.
create index customer_fact_by_churn on platform.customer_fact (tenant_id, generation, churn, customer_id)
    where churn is not null;
create index customer_fact_by_ltv on platform.customer_fact (tenant_id, generation, ltv, customer_id)
    where ltv is not null;
