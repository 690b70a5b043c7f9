-- Customers found by the address that their row says, for those who were imported before identities were kept.
--
-- A function with its owner's rights for the reason that `customers_named` has: row policies keep lower() out of an index,
-- so that each look-up read all customers of a shop.
create function platform.customers_by_address(addresses text[])
    returns table (customer_id text, address text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $by_address$
    select c.customer_id, lower(c.email)
    from platform.customer c
    where c.tenant_id = shared.current_tenant() and c.email is not null and lower(c.email) = any (addresses)
$by_address$;
revoke all on function platform.customers_by_address(text[]) from public;
grant execute on function platform.customers_by_address(text[]) to desk_support, desk_platform;
