-- Lists of customers by risk, by value and by spend, at any size: a page is read from an index's end.
create index customer_fact_by_churn on platform.customer_fact (tenant_id, generation, churn, customer_id)
    where churn is not null;
create index customer_fact_by_ltv on platform.customer_fact (tenant_id, generation, ltv, customer_id)
    where ltv is not null;
create index customer_fact_by_spend on platform.customer_fact (tenant_id, generation, spend_cents, customer_id);
