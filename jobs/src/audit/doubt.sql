-- Forgets the counts of days in which something happened that the queue does not do, and of days that are gone.
-- The server counts inserts, updates and deletes for each partition. It tells them a moment late, and starts at zero
-- after a crash: fewer changes than before say nothing, more of them say that the day is to be counted again.
with part as (
    select c.oid, c.relname::text as partition,
        case when c.relname ~ '_[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' end as day
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'jobs.finished'::regclass
), seen as (
    select partition, day,
        pg_stat_get_tuples_deleted(oid) + pg_stat_get_tuples_updated(oid) as changes,
        -- an hour after its end nothing that began within the day is under way
        case when day + interval '25 hours' <= now() then pg_stat_get_tuples_inserted(oid) end as inserts
    from part
), doubtful as (
    select s.partition, s.day from seen s join jobs.audit_partition p using (partition)
    where s.changes > p.changes or s.inserts > p.inserts
), noted as (
    insert into jobs.audit_partition as p (partition, changes, inserts) select partition, changes, inserts from seen
    on conflict (partition) do update set changes = excluded.changes, inserts = excluded.inserts
    where (p.changes, p.inserts) is distinct from (excluded.changes, excluded.inserts)
), gone as (
    delete from jobs.audit_partition p where not exists (select from part where part.partition = p.partition)
), counted as (
    select distinct date_trunc('day', s.at, 'UTC') as day from jobs.audit_slice s
), doubted as (
    select k.day from counted k
    where k.day in (select day from doubtful)
       or not exists (select from part where part.day = k.day)
          and (exists (select from doubtful where doubtful.day is null)
               or k.day not in (select day::timestamp at time zone 'UTC' from jobs.stray_days('finished') day))
), counts as (
    delete from jobs.audit_count c using doubted d where c.at >= d.day and c.at < d.day + interval '24 hours'
)
delete from jobs.audit_slice s using doubted d where s.at >= d.day and s.at < d.day + interval '24 hours'
