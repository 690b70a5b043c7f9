-- What was found of whom a person's request is about, beside what they are known by.
alter table support_app.privacy_request
    -- Whether nothing names them, so that nothing is kept of what was asked for.
    add column is_nobody boolean not null default false,
    -- What stands for them: made of the request's id, or that of an earlier erasure of theirs.
    add column token     text;
