-- What was stated of an order before what is stated now: hashes as in `content`, the newest first, a few of them. A file
-- that says one of these again, and names no time at which the shop changed the order, is an old file and no news.
--
-- Only added: code of the release before neither reads nor writes it.
alter table platform.order add column replaced uuid[];
