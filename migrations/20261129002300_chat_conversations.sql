-- Questions in chat go on from each other: a conversation can belong to a thread there, or to a channel where there is none. It is
-- one person's all the same, so what somebody asked lends nothing to a question of somebody else's in the same thread.

alter table questions_app.conversation
    -- Where in the chat, by its own ids; none for conversations of the web app and of programs.
    add column thread text,
    add constraint conversation_thread_length check (char_length(thread) <= 200);
create unique index conversation_of_thread on questions_app.conversation (tenant_id, asked_by, thread) where thread is not null;
