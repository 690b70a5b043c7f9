-- Since when a job waits for something that is not there: the database, an upstream that named a time, a worker
-- that knows its payload. Such a wait costs no attempt, so it needs a bound of its own. No index: the column is
-- written together with `due_at` and read by the claim.
alter table jobs.live add column waiting_since timestamptz;

-- Under which lease an effect was intended, so that "its run died" can be told from "it runs at this moment".
alter table jobs.side_effect add column lease uuid;
