-- Folds transitions into balances (what is) and rates (what happened, by minute).
with taken as (
    delete from jobs.transition
    where ctid = any (array(select ctid from jobs.transition limit $1))
    returning at, queue, kind, from_state, to_state, n
), moves as (
    select queue, kind, coalesce(to_state::text, 'pruned') as account, n from taken
    union all
    select queue, kind, coalesce(from_state::text, 'enqueued'), case when from_state is null then n else -n end
    from taken
), balanced as (
    insert into jobs.balance (queue, kind, account, n)
    select queue, kind, account, sum(n) from moves group by queue, kind, account order by queue, kind, account
    on conflict (queue, kind, account) do update set n = balance.n + excluded.n
), rated as (
    insert into jobs.rate (minute, queue, kind, to_state, n)
    select date_trunc('minute', at), queue, kind, to_state, sum(n) from taken where to_state is not null
    group by 1, 2, 3, 4 order by 1, 2, 3, 4
    on conflict (minute, queue, kind, to_state) do update set n = rate.n + excluded.n
)
select count(*) from taken
