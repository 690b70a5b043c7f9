-- What an import takes orders for that name no currency, when nobody stated one: that of most other orders when it began. Others
-- come meanwhile, so each of its tries would find another one, and a file would be read half in one and half in another.
--
-- Only added: code of the release before neither reads nor writes it.
alter table platform.import_run add column assumed_currency text;
