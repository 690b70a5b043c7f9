-- $1 the first instant, $2 the first day, $3 the last day, $4 zone
with standing as (
    select count(*) as tickets from support_app.ticket t
    where t.tenant_id = shared.current_tenant() and t.status in ('open', 'pending')
),
-- one that was over when we first heard of it never stood in the backlog
born as (
    select (t.created_at at time zone $4)::date as day, count(*) as n
    from support_app.ticket t
    where t.tenant_id = shared.current_tenant() and t.created_at >= $1
      and coalesce((
          select c.old #>> '{}' from support_app.ticket_change c
          where c.ticket_id = t.id and c.field = 'status' order by c.at, c.id limit 1
      ), t.status) in ('open', 'pending')
    group by 1
),
moved as (
    select (c.at at time zone $4)::date as day,
           sum(((c.new #>> '{}') in ('open', 'pending'))::int - ((c.old #>> '{}') in ('open', 'pending'))::int) as n
    from support_app.ticket_change c
    where c.tenant_id = shared.current_tenant() and c.field = 'status' and c.at >= $1
    group by 1
),
-- computed once and not for each day
net as materialized (
    select day, sum(n) as n from (select day, n from born union all select day, n from moved) flow group by day
)
select d.day::date as day,
       (s.tickets - coalesce((select sum(n.n) from net n where n.day > d.day::date), 0))::bigint as tickets
from generate_series($2::date, $3::date, interval '1 day') d (day), standing s
order by 1
