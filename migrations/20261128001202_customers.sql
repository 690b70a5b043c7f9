-- Customers found by the beginning of their name.
--
-- Row policies keep functions such as lower() out of an index, because these might leak; so the look-up is a function with
-- its owner's rights, which takes the tenant from the transaction and from nothing else.

create index customer_by_name on platform.customer (tenant_id, lower(name) collate "C", customer_id)
    where name is not null and merged_into is null;

-- Customers whose name begins so (in small letters), by name, from behind a place.
create function platform.customers_named(beginning text, after_name text, after_id text, how_many integer)
    returns table (customer_id text, lower_name text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $named$
    select c.customer_id, lower(c.name) collate "C"
    from platform.customer c
    where c.tenant_id = shared.current_tenant() and c.name is not null and c.merged_into is null
      and lower(c.name) collate "C" >= beginning and lower(c.name) collate "C" < beginning || chr(1114109)
      and (after_name is null or (lower(c.name) collate "C", c.customer_id) > (after_name, after_id))
    order by lower(c.name) collate "C", c.customer_id
    limit how_many
$named$;
revoke all on function platform.customers_named(text, text, text, integer) from public;
grant execute on function platform.customers_named(text, text, text, integer) to desk_support, desk_platform;
