-- Keeps orders as they are before an import replaces them. Parameters: 1 tenant, 2 import, 3 order ids.
insert into platform.order_prior (tenant_id, import_id, of_import, order_id, header, lines)
select $1, $2, o.import_id, o.order_id, to_jsonb(o),
       coalesce((select jsonb_agg(to_jsonb(l) order by l.line_key) from platform.order_line l
                 where l.tenant_id = $1 and l.line_key >= o.lines_key
                   and l.line_key < platform.line_key_of(o.lines_key, o.lines)), '[]')
from platform.order o
where o.tenant_id = $1 and o.order_id = any ($3)
on conflict do nothing
