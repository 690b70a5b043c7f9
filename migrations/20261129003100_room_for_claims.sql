-- A claim writes a second version of a row, some forty bytes longer than the first. With a page filled to 60 % a third of
-- the claims found no room for it there and went to another page, with an entry in each index. At 45 % all of them stay,
-- from rows of 170 bytes on, which is less than any job takes. It counts for rows that come from now on.
alter table jobs.live set (fillfactor = 45);
