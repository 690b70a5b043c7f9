-- $1 from, $2 to, $3 zone
with clock as (
    select c.kind, c.verdict, c.calendar_secs, c.business_secs, c.replies,
           ((c.ended_at at time zone $3)::date)::text as day, coalesce(t.department, 'none') as department,
           coalesce(t.assignee_id::text, 'none') as agent, t.priority, t.channel
    from support_app.sla_clock c join support_app.ticket t on t.id = c.ticket_id
    where c.tenant_id = shared.current_tenant() and c.state = 'ended' and c.ended_at >= $1 and c.ended_at < $2
      and c.verdict <> 'cancelled' and not (c.kind = 'first_response' and t.opened_by_agent)
)
select case when grouping(day) = 0 then 'day' when grouping(department) = 0 then 'department'
            when grouping(agent) = 0 then 'agent' when grouping(priority) = 0 then 'priority'
            when grouping(channel) = 0 then 'channel' else 'all' end as "by",
       coalesce(day, department, agent, priority, channel) as key,
       kind, count(*) as ended,
       count(*) filter (where verdict = 'met') as met,
       count(*) filter (where verdict = 'missed') as missed,
       percentile_cont(0.5) within group (order by calendar_secs) as calendar_median_secs,
       percentile_cont(0.9) within group (order by calendar_secs) as calendar_p90_secs,
       percentile_cont(0.5) within group (order by business_secs) as business_median_secs,
       percentile_cont(0.9) within group (order by business_secs) as business_p90_secs,
       count(*) filter (where kind = 'resolution' and replies = 1) as one_touch
from clock
group by grouping sets ((kind), (kind, day), (kind, department), (kind, agent), (kind, priority), (kind, channel))
order by 1, 2, 3
limit 20000
