-- How often a customer was told within a day that their mail came: whoever answers that by a machine which does not say so would
-- be told for ever.
alter table support_app.mail_acknowledged
    add column since timestamptz,
    add column times integer not null default 1;
