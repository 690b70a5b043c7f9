-- Customers are known by the help desk's id of them. What settles a ticket notes it, as support, which writes nothing here: so a
-- function with its owner's rights does, which takes the tenant from the transaction and adds nothing else.
--
-- Whoever is erased or merged meanwhile is waited for, and is not named by it afterwards.
create function platform.note_desk_ids(desk_ids text[], customers text[]) returns void
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $note$
    insert into platform.customer_identity (tenant_id, kind, value, customer_id)
    select c.tenant_id, 'desk', told.desk_id, c.customer_id
    from unnest(desk_ids, customers) as told (desk_id, customer_id)
    join platform.customer c
        on c.tenant_id = shared.current_tenant() and c.customer_id = told.customer_id and c.merged_into is null
    -- Customers are locked in the order of their ids.
    order by c.customer_id, told.desk_id
    for key share of c
    on conflict do nothing
$note$;
revoke all on function platform.note_desk_ids(text[], text[]) from public;
grant execute on function platform.note_desk_ids(text[], text[]) to desk_support, desk_platform;
