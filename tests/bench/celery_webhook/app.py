"""The web side of the stack that we are compared with: FastAPI takes a signed
webhook, checks it, stores it, hands it to Celery and answers.

It is written the fast way: no ORM, a connection pool, uvloop, the insert alone
in its transaction. It keeps the stack's gap, too: the row is committed before
the task is sent, so a crash in between leaves a row that nobody works on."""

import hashlib
import hmac
import json
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from psycopg_pool import AsyncConnectionPool

import settings
from tasks import draft_reply

INSERT = """
insert into celery_webhook.inbox (delivery_key, body) values (%s, %s)
on conflict (delivery_key) do nothing returning id
"""


@asynccontextmanager
async def lifespan(app):
    async with AsyncConnectionPool(settings.DATABASE_URL, min_size=4, max_size=10) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.get("/health")
async def health():
    return Response(status_code=204)


@app.post("/api/gorgias/webhook")
async def receive(request: Request):
    body = await request.body()
    if not signed(body, request.headers.get("x-gorgias-signature", "")):
        return Response(status_code=401)
    try:
        delivery = json.loads(body)
    except ValueError:
        return Response(status_code=400)
    if not isinstance(delivery, dict):
        return Response(status_code=400)

    async with request.app.state.pool.connection() as connection:
        cursor = await connection.execute(INSERT, (delivery_key(delivery, body), body.decode()))
        row = await cursor.fetchone()
    if row is None:
        return {"status": "received"}  # A repeated delivery makes nothing new.
    # A blocking call, as it is usually written: against a near Redis it takes
    # less than a change of threads would.
    draft_reply.delay(row[0])
    return {"status": "received"}


def signed(body, header):
    """Whether the header is the hex HMAC-SHA256 of the raw body."""
    expected = hmac.digest(settings.SECRET, body, "sha256").hex()
    return hmac.compare_digest(expected.encode(), header.removeprefix("sha256=").encode())


def delivery_key(delivery, body):
    """The event's id, else the message's id, else a hash of the body."""
    if "object_type" in delivery and "id" in delivery:
        return f"event:{delivery['id']}"
    message = delivery.get("message")
    if isinstance(message, dict) and "id" in message:
        return f"message:{message['id']}"
    return f"body:{hashlib.sha256(body).hexdigest()}"
