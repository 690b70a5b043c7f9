-- Every priority of jobs, the first to go first, for statements that look at each by its index (`Priority` in
-- jobs/src/contract.rs).
create function jobs.priorities() returns smallint[]
    language sql immutable parallel safe
    return array[0, 1, 2, 3]::smallint[];
revoke all on function jobs.priorities() from public;
grant execute on function jobs.priorities() to desk_queue;
