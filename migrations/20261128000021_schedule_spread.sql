-- A schedule that runs once for every tenant may spread the tenants over a while, so that a thousand nightly
-- runs do not begin in the same second; and its jobs may share a dedup key with those that others ask for.
alter table jobs.schedule
    add column spread_secs integer not null default 0 check (spread_secs between 0 and 86400),
    add column dedup_key text check (length(dedup_key) between 1 and 200);
