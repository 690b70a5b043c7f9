-- What was kept of one customer on past days, newest first.
-- Parameters: 1 customer, 2 only before this day (null: from the newest), 3 days at most.
with recursive
-- The days that were kept, found by one step through the index each and not by reading a tenant's snapshots.
taken (grain, taken_on) as (
    select g.grain, (select max(s.taken_on) from platform.profile_snapshot s
                     where s.tenant_id = shared.current_tenant() and s.grain = g.grain
                       and s.taken_on < coalesce($2, 'infinity'::date))
    from unnest(array['day', 'week', 'month']) as g (grain)
    union all
    select t.grain, (select max(s.taken_on) from platform.profile_snapshot s
                     where s.tenant_id = shared.current_tenant() and s.grain = t.grain and s.taken_on < t.taken_on)
    from taken t where t.taken_on is not null
),
-- A day that counts for several grains is told once.
days as (
    select distinct on (taken_on) taken_on, grain from taken where taken_on is not null
    order by taken_on desc, grain
)
select d.taken_on, s.segmentation_id, s.churn[s.place] as churn, s.ltv[s.place] as ltv,
       substring(s.memberships from (s.place - 1) * s.width + 1 for s.width) as memberships
from days d
cross join lateral (
    select p.segmentation_id, p.churn, p.ltv, p.memberships, array_position(p.customers, $1) as place,
           octet_length(p.memberships) / cardinality(p.customers) as width
    from platform.profile_snapshot p
    where p.tenant_id = shared.current_tenant() and p.grain = d.grain and p.taken_on = d.taken_on
      and p.first_customer <= $1
    order by p.first_customer desc limit 1
) s
where s.place is not null
order by d.taken_on desc
limit $3
