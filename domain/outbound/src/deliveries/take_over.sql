-- Takes a delivery over that was put off because as many as may be were under way; its own job finds it taken, and then
-- over. One that has an attempt behind it, or whose endpoint asked for time, keeps its time. Parameters: 1 endpoint, 2 and
-- 3 between which it comes back by itself: what comes sooner is left to its job, what comes later was taken over or waits
-- for something else; 4 until when it is taken.
update outbound.webhook_delivery d set next_at = $4
where d.id = (
    select w.id from outbound.webhook_delivery w
    where w.endpoint_id = $1 and w.state = 'waiting' and w.type <> 'webhook.test' and w.waits > 0 and w.attempts = 0
      and w.waiting_since is null and w.next_at > $2 and w.next_at < $3
    order by w.seq, w.created_at limit 1 for update skip locked)
returning d.id
