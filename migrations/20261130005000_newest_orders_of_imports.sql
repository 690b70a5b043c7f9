-- How new a file of orders is, by what it states: when the last of its orders was placed, and when the last one that had
-- been stated before it. A file that has later ones than all before is no old one.
--
-- Only added: code of the release before neither reads nor writes it.

alter table platform.import_run
    -- When the last order that it states was placed, as far as it was read.
    add column newest_at   timestamptz,
    -- The same of all imports before it, when it began; `-infinity` where there were no orders.
    add column known_until timestamptz;
