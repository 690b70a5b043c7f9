-- no-transaction
-- Makes orders of the lines that are there, 2,000 orders a transaction, so that nobody waits for it for longer than a
-- moment. It can be ended and begun again at any place.
do $adopt$
declare
    shop record;
begin
    for shop in select id from shared.tenant order by id loop
        while platform.adopt_orders(shop.id, 2000) > 0 loop
            commit;
        end loop;
    end loop;
end
$adopt$;
