"""Celery as a peer: broker and results in Redis. The worker is Celery's own
command (prefork for the backlog, threads for single jobs); this file holds the
task and the producer."""

import os

from celery import Celery

import noop

app = Celery("bench", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@app.task(name="noop")
def run_noop(job):
    noop.run(job)


if __name__ == "__main__":
    noop.enqueue(run_noop.delay)
