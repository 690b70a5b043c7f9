-- The five axes of tickets beside the eight of purchases. Null where the customer has not written in, and in rows that
-- were written before.
alter table platform.customer_fact
    add column communication      smallint,
    add column problem_complexity smallint,
    add column loyalty            smallint,
    add column feedback           smallint,
    add column value_sensitivity  smallint;
-- The same of what single rows were before, by which segments' counts stay right.
alter table platform.fact_change
    add column communication      smallint,
    add column problem_complexity smallint,
    add column loyalty            smallint,
    add column feedback           smallint,
    add column value_sensitivity  smallint;

-- All tickets of a range of customers.
create index ticket_of_known_customer on support_app.ticket (tenant_id, known_customer, created_at, id)
    where known_customer is not null;
