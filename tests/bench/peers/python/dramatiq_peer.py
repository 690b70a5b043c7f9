"""dramatiq as a peer: Redis broker, no results. The worker is dramatiq's own
command; this file holds the actor and the producer."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

import noop

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor(actor_name="noop")
def run_noop(job):
    noop.run(job)


if __name__ == "__main__":
    noop.enqueue(run_noop.send)
