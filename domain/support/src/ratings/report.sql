-- Satisfaction and times of the tickets that were resolved in a span, by group.
-- Parameters: 1 from, 2 to, 3 all, agent, team, channel or day, 4 IANA zone, 5 groups at most.
with
-- Tickets with what they count for. Spam and what was merged into another ticket is nobody's help.
resolved as (
    select t.id, t.resolved_at,
           case $3 when 'agent' then t.assignee_id::text when 'team' then t.department when 'channel' then lower(t.channel)
                   when 'day' then (t.resolved_at at time zone $4)::date::text end as grouped,
           -- a machine's first message is no customer's, so such a ticket has no time either
           not t.opened_by_agent and t.first_customer_message_at is not null as is_timed,
           extract(epoch from t.first_reply_at - t.first_customer_message_at) / 60.0 as first_reply,
           extract(epoch from t.resolved_at - t.first_customer_message_at) / 60.0 as resolution,
           (select r.score from support_app.rating r where r.ticket_id = t.id order by r.resolution desc limit 1) as score,
           (select count(*) from (
                select from support_app.message m
                where m.ticket_id = t.id and m.from_agent and not m.internal and not m.by_machine
                  and (m.delivery is null or m.delivery in ('queued', 'sent'))
                limit 2) two) as replies
    from support_app.ticket t
    where t.tenant_id = (select shared.current_tenant()) and t.resolved_at >= $1 and t.resolved_at < $2
      and not t.is_spam and t.merged_into is null
),
counted as (
    select grouped, count(*) as resolved, count(score) as answers, count(*) filter (where score >= 4) as satisfied,
           array[count(*) filter (where score = 1), count(*) filter (where score = 2), count(*) filter (where score = 3),
                 count(*) filter (where score = 4), count(*) filter (where score = 5)] as scores,
           count(*) filter (where replies = 1) as one_touch,
           count(*) filter (where is_timed) as timed,
           percentile_cont(array[0.5, 0.9]) within group (order by first_reply::float8)
               filter (where is_timed and first_reply >= 0) as first_reply,
           percentile_cont(array[0.5, 0.9]) within group (order by resolution::float8)
               filter (where is_timed and resolution >= 0) as resolution
    from resolved group by grouped
)
select grouped as "group", resolved, answers, satisfied, scores, one_touch, timed,
       round(satisfied::numeric / nullif(answers, 0), 4)::float8 as csat,
       round(answers::numeric / nullif(resolved, 0), 4)::float8 as response_rate,
       round(one_touch::numeric / nullif(resolved, 0), 4)::float8 as one_touch_rate,
       first_reply[1] as first_reply_minutes_median, first_reply[2] as first_reply_minutes_p90,
       resolution[1] as resolution_minutes_median, resolution[2] as resolution_minutes_p90
from counted order by grouped nulls last limit $5
