-- The books beside the tables: every account of every kind and queue, counted in one snapshot.
with books as (
    select queue, kind, account, sum(n)::bigint as n from (
        select queue, kind, account, n from jobs.balance
        union all
        select queue, kind, coalesce(to_state::text, 'pruned'), n from jobs.transition
        union all
        select queue, kind, coalesce(from_state::text, 'enqueued'), case when from_state is null then n else -n end
        from jobs.transition
    ) b group by queue, kind, account
), held as (
    select queue, kind, state::text as account, count(*) as n from jobs.live group by queue, kind, state
    union all
    select queue, kind, state::text, count(*) from jobs.finished group by queue, kind, state
    union all
    select queue, kind, 'dead', count(*) from jobs.dead group by queue, kind
)
select coalesce(b.queue, h.queue), coalesce(b.kind, h.kind), coalesce(b.account, h.account),
    coalesce(b.n, 0), coalesce(h.n, 0)
from books b full join held h on h.queue = b.queue and h.kind = b.kind and h.account = b.account
order by 1, 2, 3
