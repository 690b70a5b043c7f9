-- The books beside the tables: every account of every kind and queue, in one snapshot. $1 is the end of the
-- slices; what ended later is counted here and now.
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
    select queue, kind, account, sum(n)::bigint as n from (
        select queue, kind, state::text as account, count(*) as n from jobs.live group by queue, kind, state
        union all
        select queue, kind, 'dead', count(*) from jobs.dead group by queue, kind
        union all
        select queue, kind, state::text, sum(n) from jobs.audit_count where at < $1 group by queue, kind, state
        union all
        select queue, kind, state::text, count(*) from jobs.finished where finished_at >= $1 group by queue, kind, state
    ) h group by queue, kind, account
)
select coalesce(b.queue, h.queue) as queue, coalesce(b.kind, h.kind) as kind, coalesce(b.account, h.account) as account,
    coalesce(b.n, 0) as by_the_books, coalesce(h.n, 0) as in_the_tables
from books b full join held h on h.queue = b.queue and h.kind = b.kind and h.account = b.account
order by 1, 2, 3
