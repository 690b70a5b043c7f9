"""procrastinate as a peer: jobs in Postgres, kept when they are done. The worker
is procrastinate's own command; this file holds the task and the producer."""

import os
import sys

import procrastinate

import noop

BULK = 500

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


@app.task(name="noop")
async def run_noop(job):
    noop.run(job)


def main():
    connector = procrastinate.SyncPsycopgConnector(conninfo=os.environ["DATABASE_URL"])
    # One call after the other needs no event loop.
    with app.replace_connector(connector) as producer, producer.open():
        if sys.argv[1:] == ["prepare"]:
            producer.schema_manager.apply_schema()
            return
        noop.enqueue(
            lambda job: run_noop.defer(job=job),
            lambda jobs: run_noop.batch_defer(*({"job": job} for job in jobs)),
            BULK,
        )


if __name__ == "__main__":
    main()
