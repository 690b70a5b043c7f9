-- The inbox of the FastAPI + Celery service: one row a delivery, the draft in
-- the row. A schema of its own, made anew for each run, so that the service can
-- use any database.
drop schema if exists celery_webhook cascade;
create schema celery_webhook;
create table celery_webhook.inbox (
    id bigint generated always as identity primary key,
    delivery_key text not null unique,
    body jsonb not null,
    received_at timestamptz not null default now(),
    draft text,
    drafted_at timestamptz
);
