-- A run adds a row for every customer, and the row of the run before goes when it is published, all within a minute or two. A
-- server that is set to look after a queue's tables, which is often and after small changes, vacuums and analyses these in the
-- middle of it every few seconds: 0.8 s of processor time each time, with a million customers. So they wait until about as many
-- rows have come as there are, and then the new ones and those that go are looked after together. Until then nothing relies on
-- the statistics, see 20261121000008_insight_order.sql.
do $shares$
declare
    name text;
begin
    foreach name in array array['customer_fact', 'customer_insight'] loop
        execute format(
            'alter table platform.%I set (autovacuum_analyze_scale_factor = 0.8, autovacuum_vacuum_insert_scale_factor = 0.8)', name);
    end loop;
end
$shares$;
