-- Keeps orders as they are before an import replaces them; what it has stated itself is nothing to go back to. Parameters: 1 tenant, 2 import, 3 order ids, 4 the keys of their lines.
with lines as (
    select order_id, jsonb_agg(to_jsonb(l) order by line_key) as lines
    from platform.order_line l
    where tenant_id = $1 and line_key = any ($4::uuid[])
    group by order_id
)
insert into platform.order_prior (tenant_id, import_id, of_import, order_id, header, lines)
select $1, $2, o.import_id, o.order_id, to_jsonb(o), coalesce(l.lines, '[]')
from platform.order o left join lines l using (order_id)
where o.tenant_id = $1 and o.order_id = any ($3) and o.import_id is distinct from $2
on conflict do nothing
