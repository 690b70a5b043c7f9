"""The worker side of the stack that we are compared with. `draft_reply` is the
work that a webhook makes; `spin` keeps the worker busy while webhooks arrive.
Results are kept in the row, so Celery needs no result backend, which would
cost it a subscription a task."""

import time

import psycopg
from celery import Celery

import settings

app = Celery("webhook", broker=settings.REDIS_URL)
app.conf.task_ignore_result = True

DRAFT = "update celery_webhook.inbox set draft = %s, drafted_at = now() where id = %s"

_connection = None


@app.task(name="draft_reply")
def draft_reply(delivery_id):
    """Reads the delivery and writes a template draft beside it."""
    connection = database()
    query = "select body from celery_webhook.inbox where id = %s"
    body = connection.execute(query, (delivery_id,)).fetchone()[0]
    ticket = body.get("ticket") or body.get("data", {}).get("ticket") or body
    customer = ticket.get("customer") or {}
    draft = f"Hello {customer.get('name') or 'there'},\n\nthank you for writing about: {ticket.get('subject')}."
    connection.execute(DRAFT, (draft, delivery_id))


@app.task(name="spin")
def spin(milliseconds):
    """Uses the processor for so long."""
    until = time.thread_time() + milliseconds / 1000
    while time.thread_time() < until:
        pass


def database():
    """One connection a worker process, made after the fork."""
    global _connection
    if _connection is None or _connection.closed:
        _connection = psycopg.connect(settings.DATABASE_URL, autocommit=True)
    return _connection
