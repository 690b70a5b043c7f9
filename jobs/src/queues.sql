-- One row a queue, from the books; only the oldest ready job is looked up in the ledger itself.
with books as (
    select queue, account, sum(n)::bigint as n from (
        select queue, account, n from jobs.balance
        union all
        select queue, coalesce(to_state::text, 'pruned'), n from jobs.transition
        union all
        select queue, from_state::text, -n from jobs.transition where from_state is not null
    ) b group by queue, account
), recent as (
    select queue,
        sum(n) filter (where to_state = 'ready') / 300.0 as ins,
        sum(n) filter (where to_state in ('done', 'dead', 'cancelled')) / 300.0 as outs
    from (
        select queue, to_state, n from jobs.rate where minute > now() - interval '5 minutes'
        union all
        select queue, to_state, n from jobs.transition where to_state is not null and at > now() - interval '5 minutes'
    ) r group by queue
), named as (
    select queue from books union select queue from jobs.queue_control
)
select named.queue,
    coalesce((select jsonb_object_agg(account, n) from books b
              where b.queue = named.queue and account not in ('enqueued', 'pruned')), '{}') as jobs,
    case when coalesce((select n from books b where b.queue = named.queue and account = 'ready'), 0) > 0 then
        (select extract(epoch from now() - min(first.run_at))::float8
         from unnest(jobs.priorities()) p (priority)
         cross join lateral (
             select j.run_at from jobs.live j
             where j.queue = named.queue and j.priority = p.priority and j.due_at is null and not j.parked
               and j.state = 'ready'
             order by j.id limit 1
         ) first) end as oldest_ready_secs,
    coalesce(recent.ins, 0)::float8 as in_per_sec, coalesce(recent.outs, 0)::float8 as out_per_sec,
    coalesce(c.paused, false) as paused, c.concurrency, c.reason
from named
left join recent on recent.queue = named.queue
left join jobs.queue_control c on c.queue = named.queue
order by named.queue
