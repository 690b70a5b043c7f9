-- Sets an import going, in each of its tries; answers whether its file has orders that were placed later than all that was
-- stated before it began. Parameters: 1 import, 2 tenant, 3 when the last order of the file was placed, if known.
-- What it states itself is noted batch by batch: of a try that fails at once nothing is known.
update platform.import_run i
set state = 'running', error = null, updated_at = now(),
    -- Before the first import that told it, the orders themselves do; there is no index for that, so it is asked once, and what
    -- an import knew counts for those after it.
    known_until = coalesce(
        i.known_until,
        (select max(greatest(r.newest_at, r.known_until)) from platform.import_run r
         where r.tenant_id = $2 and r.id <> i.id and r.state <> 'undone'),
        (select max(o.placed_at) from platform.order o where o.tenant_id = $2),
        '-infinity')
where i.id = $1
returning $3 > i.known_until
