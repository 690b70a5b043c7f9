-- Gives the processes' login roles their password. The migrations create these roles without one,
-- because a password belongs to an installation and not to a repository.
\set ON_ERROR_STOP on
\getenv password DESK_DB_PASSWORD
alter role desk_api password :'password';
alter role desk_worker password :'password';
alter role desk_scheduler password :'password';
