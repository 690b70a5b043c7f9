-- Orders come by the million and rarely change. Where a server is set to look after a queue's tables, which is often and after
-- small changes, an import spent a tenth of its time on new statistics. These are the shares that Postgres has by itself.
do $shares$
declare
    name text;
begin
    foreach name in array array['customer', 'customer_profile', 'order', 'order_line'] loop
        execute format(
            'alter table platform.%I set (autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_insert_scale_factor = 0.2)', name);
    end loop;
end
$shares$;
