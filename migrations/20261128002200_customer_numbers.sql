-- A number of our own for each customer, which anonymised ids are made of: it says nothing of the customer, never
-- changes, and is given once.

alter table platform.customer
    -- 40 bits: an anonymised id has eight characters of five bits.
    add column number bigint generated always as identity (maxvalue 1099511627775);
create unique index customer_by_number on platform.customer (tenant_id, number);
