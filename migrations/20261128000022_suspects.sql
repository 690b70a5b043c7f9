-- A worker that dies takes down everything that it ran, and one job at most is to blame. What was in flight is
-- suspect from then on: a process runs one suspect at a time, so the next crash says whether it was that one.
alter table jobs.live add column suspect boolean not null default false;
