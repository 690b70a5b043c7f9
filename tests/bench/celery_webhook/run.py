#!/usr/bin/env python3
"""Starts the FastAPI + Celery webhook service that ours is compared with: two
uvicorn workers and a Celery worker that has a backlog to work off.

  run.py --port P --database-url URL --redis-url URL [--secret S]

Prints {"ready": true, ...} when POST /api/gorgias/webhook takes deliveries, and
stays until it is told to end, taking everything that it started with it. The
service makes a schema celery_webhook in the database and empties the Celery
queue in that Redis database, so give it ones of its own."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
READY_SECONDS = 30
STOP_SECONDS = 5


def main():
    options = _options()
    programs = options.installed.resolve() / "webhook" / "bin"
    if not (programs / "uvicorn").exists():
        raise SystemExit(f"the service is not installed in {options.installed} (run tests/bench/install)")
    environment = os.environ | {
        "DATABASE_URL": options.database_url,
        "REDIS_URL": options.redis_url,
        "WEBHOOK_SECRET": options.secret,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    prepare = [programs / "python", "prepare.py", str(options.backlog), str(options.busy_ms)]
    subprocess.run(prepare, cwd=HERE, env=environment, check=True)
    web = [
        programs / "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(options.port), "--workers", "2",
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
    ]
    worker = [programs / "celery", "--quiet", "-A", "tasks", "worker", "-P", "prefork", "-c", "2", "-l", "ERROR"]
    started = []
    try:
        for command in (web, worker):
            # Standard output is for the ready line alone.
            started.append(subprocess.Popen(
                command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True,
            ))
        _await_ready(options.port, started)
        print(json.dumps({"ready": True, "url": f"http://127.0.0.1:{options.port}/api/gorgias/webhook"}), flush=True)
        while all(process.poll() is None for process in started):
            time.sleep(0.2)
        raise SystemExit("a part of the service ended by itself")
    except KeyboardInterrupt:
        return
    finally:
        _stop(started)


def _await_ready(port, started):
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in started):
            raise SystemExit("a part of the service did not start")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise SystemExit(f"the service was not ready within {READY_SECONDS} s")


def _stop(started):
    for process in started:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for process in started:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
    for process in started:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass  # Everything has ended already.


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--secret", default="bench-secret", help="the key of the HMAC signatures")
    parser.add_argument("--backlog", type=int, default=20_000, help="tasks that wait for the worker at the start")
    parser.add_argument("--busy-ms", type=float, default=2.0, help="processor time of each of them")
    parser.add_argument("--installed", type=Path, default=HERE.parents[2] / ".local" / "bench")
    return parser.parse_args()


if __name__ == "__main__":
    main()
