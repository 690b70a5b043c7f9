-- How drafts of a span of time are taken up.
-- Parameters: 1 from, 2 to.
select drafter, tone, count(*) as drafts,
       count(*) filter (where is_accepted) as accepted,
       round(count(*) filter (where is_accepted)::numeric / count(*), 4)::float8 as acceptance_rate,
       count(*) filter (where edited_at is not null) as edited,
       count(*) filter (where sent_at is not null) as sent,
       count(*) filter (where sent_at is not null and edit_distance = 0) as sent_unchanged,
       round(avg(edit_distance)::numeric, 4)::float8 as edit_distance_mean,
       round((percentile_cont(0.5) within group (order by edit_distance))::numeric, 4)::float8 as edit_distance_median,
       count(*) filter (where thumb = 1) as thumbs_up,
       count(*) filter (where thumb = -1) as thumbs_down
from (
    select d.*, chosen_at is not null or edited_at is not null or sent_at is not null as is_accepted
    from support_app.draft d
    where d.tenant_id = (select shared.current_tenant()) and d.created_at >= $1 and d.created_at < $2
) d
group by drafter, tone order by drafter, tone
