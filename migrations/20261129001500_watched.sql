-- A worker rarely dies of what it ran: a host goes down, an operator kills it, a neighbour takes the memory. So what was in
-- flight at one crash is only watched, and goes on as before; what is in flight at another one is suspect, and a process
-- runs one suspect at a time. Before, fifty jobs of a killed worker ran one after the other.
alter table jobs.live add column watched boolean not null default false;
