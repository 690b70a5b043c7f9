-- Schema `marketing_app`: segments and campaigns will live here, owned by desk_marketing and read by
-- desk_platform. The grants for tables to come are set now, so that no table can be created without them.

create schema marketing_app;

grant usage on schema marketing_app to desk_marketing, desk_platform;
alter default privileges in schema marketing_app grant select, insert, update, delete on tables to desk_marketing;
alter default privileges in schema marketing_app grant select on tables to desk_platform;
