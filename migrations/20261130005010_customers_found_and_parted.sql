-- Customers are found by the last word of their names as well, which mostly is what somebody asks for; and a merge that is
-- taken back gives back what became known of the other one meanwhile.
--
-- Only added: code of the release before neither reads nor writes it.

alter table platform.customer_identity
    -- Whom the source named where it told the address or number, if that was not the customer: one who was merged into them.
    add column stated_customer text;

alter table platform.customer_merge
    -- Address, name and number of the one who was kept, as they were before.
    add column kept_before jsonb;

create index customer_by_last_name on platform.customer (tenant_id, lower(split_part(name, ' ', -1)) collate "C", customer_id)
    where name is not null and merged_into is null;

-- Customers whose name, or whose name's last word, begins so (in small letters), by what begins so, from behind a place. Owner's
-- rights for the reason that `customers_named` has them.
create function platform.customers_called(beginning text, after_place text, after_id text, how_many integer)
    returns table (customer_id text, place text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $called$
    select found.customer_id, found.place
    from ((select c.customer_id, lower(c.name) collate "C" as place
           from platform.customer c
           where c.tenant_id = shared.current_tenant() and c.name is not null and c.merged_into is null
             and lower(c.name) collate "C" >= beginning and lower(c.name) collate "C" < beginning || chr(1114109)
             and (after_place is null or (lower(c.name) collate "C", c.customer_id) > (after_place, after_id))
           order by lower(c.name) collate "C", c.customer_id
           limit how_many)
          union all
          (select c.customer_id, lower(split_part(c.name, ' ', -1)) collate "C"
           from platform.customer c
           where c.tenant_id = shared.current_tenant() and c.name is not null and c.merged_into is null
             and lower(split_part(c.name, ' ', -1)) collate "C" >= beginning
             and lower(split_part(c.name, ' ', -1)) collate "C" < beginning || chr(1114109)
             and not starts_with(lower(c.name), beginning)
             and (after_place is null
                  or (lower(split_part(c.name, ' ', -1)) collate "C", c.customer_id) > (after_place, after_id))
           order by lower(split_part(c.name, ' ', -1)) collate "C", c.customer_id
           limit how_many)) as found
    order by found.place collate "C", found.customer_id
    limit how_many
$called$;
revoke all on function platform.customers_called(text, text, text, integer) from public;
grant execute on function platform.customers_called(text, text, text, integer) to desk_support, desk_platform;
