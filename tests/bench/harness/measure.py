"""The measurements. Each starts from an empty Redis and, for a queue that lives
in Postgres, a new database; each is over only when it is proven which jobs ran."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field

from . import records
from .records import Proof
from .servers import tail

ENQUEUE_LIMIT_SECONDS = 300
# Longer than any peer's own pause; a worker silent for so long has lost the rest.
STALL_SECONDS = 30
# A duplicate that follows the last completion at once is still seen.
AFTERMATH_SECONDS = 0.5
STOP_SECONDS = 6
LOOK_SECONDS = 0.005
# Samples that let a new worker connect and warm up; they are not counted.
WARM_UP = 20
GAP_MS = 20


class MeasurementError(Exception):
    """A queue under test broke, so there is no figure."""


@dataclass(frozen=True)
class Throughput:
    """Rates in jobs/s; the proof covers both the enqueue and the drain."""

    enqueue_rate: float
    drain_rate: float
    proof: Proof


@dataclass(frozen=True)
class Latency:
    """Milliseconds from the enqueue call to the handler start, ascending."""

    samples: list[float] = field(repr=False)
    proof: Proof

    def percentile(self, share):
        """The smallest sample that at least this share does not exceed."""
        rank = max(1, -(-len(self.samples) * share // 100))
        return self.samples[int(rank) - 1]


def throughput(servers, queue, count, bulk):
    """Enqueues a backlog without a worker, then drains it with one process."""
    run = _Run(servers, queue)
    with run:
        words = ["enqueue", str(count), *(["--bulk"] if bulk else [])]
        enqueue_seconds = run.enqueue(words)
        if queue.ready_backlog:
            queue.ready_backlog(servers)
        drain_seconds, entries = run.drain(count)
    proof = records.prove(entries, count)
    return Throughput(count / enqueue_seconds, (count - proof.lost) / drain_seconds, proof)


def latency(servers, queue, count):
    """Sends single jobs, 20 ms apart, to a worker that has nothing else to do."""
    run = _Run(servers, queue)
    with run:
        run.start(queue.idle_worker, WARM_UP + count)
        run.enqueue(["enqueue-paced", str(WARM_UP), "--gap-ms", str(GAP_MS)])
        run.await_handled(WARM_UP)
        boundary = time.monotonic_ns()
        run.enqueue(["enqueue-paced", str(count), "--gap-ms", str(GAP_MS)])
        run.await_handled(WARM_UP + count)
        time.sleep(AFTERMATH_SECONDS)
        run.stop()
        entries = [entry for entry in run.entries() if entry[1] >= boundary]
    called = {sequence: at for sequence, at, kind, _ in entries if kind == records.ENQUEUE}
    started = {}
    for sequence, at, kind, _ in sorted(entries, key=lambda entry: entry[1]):
        if kind == records.START:
            started.setdefault(sequence, at)
    samples = sorted((started[job] - called[job]) / 1e6 for job in started if job in called)
    if not samples:
        raise MeasurementError("no job was started")
    return Latency(samples, records.prove(entries, count))


class _Run:
    """One measurement's stores, record folders and worker process."""

    def __init__(self, servers, queue):
        self._servers, self._queue = servers, queue
        self._folder = servers.folder / "run"
        self._handled, self._called = self._folder / "worker", self._folder / "producer"
        self._log = self._folder / "log"
        self._worker = self._session = None

    def __enter__(self):
        shutil.rmtree(self._folder, ignore_errors=True)
        self._handled.mkdir(parents=True)
        self._called.mkdir()
        self._servers.redis("flushall")
        if self._queue.database:
            self._servers.drop_database(self._queue.database)
            # Ours creates its database itself, as its users do.
            if not self._queue.ends_itself:
                self._servers.create_database(self._queue.database)
        if self._queue.prepare:
            self._call(self._queue.prepare)
        if self._queue.database and self._queue.settled:
            self._session = self._servers.session(self._queue.database)
        return self

    def __exit__(self, *_):
        self.stop()
        if self._session:
            self._session.close()

    def enqueue(self, words):
        """Runs the producer; the seconds that it reports, None when paced."""
        output = self._call([*self._queue.producer, *words])
        return _seconds(output) if words[0] == "enqueue" else None

    def drain(self, count):
        """Works off the backlog: seconds from the first handler start to the
        last completion in the store, and the records."""
        self.start(self._queue.worker, count)
        reported = self._await_exit(count) if self._queue.ends_itself else self._await_settled(count)
        time.sleep(AFTERMATH_SECONDS)
        self.stop()
        entries = self.entries()
        if not entries:
            raise MeasurementError(f"no job was run: {tail(self._log)}")
        first, last = records.first_start(entries), records.last_end(entries)
        if self._queue.ends_itself:
            if reported < (last - first) / 1e9:
                raise MeasurementError(f"reported {reported} s, but its handlers ran for longer")
            return reported, entries
        # Settled at the first look, or never: the last handler's end is the finish.
        return (max(last, reported or last) - first) / 1e9, entries

    def start(self, command, count):
        expect = ["--expect", str(count)] if self._queue.ends_itself else []
        # Its output goes to a file, as a worker must never wait for a reader.
        with open(self._log, "wb") as log:
            self._worker = subprocess.Popen(
                [*command, *expect], cwd=self._queue.folder, env=self._environment(self._handled),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )

    def await_handled(self, count):
        """Waits until so many handlers have run; False when they never do."""
        seen, progress = 0, time.monotonic()
        while seen < count:
            now = records.handled(self._handled)
            if now > seen:
                seen, progress = now, time.monotonic()
            elif time.monotonic() - progress > STALL_SECONDS:
                return False
            elif self._worker.poll() is not None:
                return records.handled(self._handled) >= count
            time.sleep(LOOK_SECONDS)
        return True

    def stop(self):
        """Ends the worker and whatever it started: asks, then insists."""
        if self._worker is None:
            return
        _signal_group(self._worker, signal.SIGTERM)
        try:
            self._worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        _signal_group(self._worker, signal.SIGKILL)
        self._worker.wait()
        self._worker = None

    def entries(self):
        return records.read(self._handled) + records.read(self._called)

    def _await_settled(self, count):
        """When the store was seen to have all, in monotonic ns; None if at once."""
        settled = self._queue.settled
        if not self.await_handled(count) or settled is None:
            return None
        looks, deadline = 0, time.monotonic() + STALL_SECONDS
        while not settled(self._servers, self._session, count):
            looks += 1
            if time.monotonic() > deadline:
                raise MeasurementError("its store never had all the completions")
            time.sleep(LOOK_SECONDS / 5)
        return time.monotonic_ns() if looks else None

    def _await_exit(self, count):
        complete = self.await_handled(count)
        try:
            code = self._worker.wait(STALL_SECONDS)
        except subprocess.TimeoutExpired:
            code = "no exit"
        if code != 0 or not complete:
            handled = records.handled(self._handled)
            raise MeasurementError(f"{handled} of {count} ran, status {code}: {tail(self._log)}")
        return _seconds(self._log.read_text())

    def _call(self, command):
        try:
            run = subprocess.run(
                command, cwd=self._queue.folder, env=self._environment(self._called), stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=ENQUEUE_LIMIT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise MeasurementError(f"not done within {ENQUEUE_LIMIT_SECONDS} s: {' '.join(command)}") from None
        if run.returncode:
            raise MeasurementError(f"{' '.join(command)}: status {run.returncode}: {run.stderr.strip()[-600:]}")
        return run.stdout

    def _environment(self, folder):
        values = {
            "REDIS_URL": self._servers.redis_url,
            "REC": str(folder),
            "NODE_ENV": "production",
            "PYTHONDONTWRITEBYTECODE": "1",
            "RUBYOPT": "-W0",
        }
        if self._queue.database:
            values["DATABASE_URL"] = self._servers.database_url(self._queue.database)
        return os.environ | values


def _seconds(output):
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return json.loads(line)["seconds"]
    raise MeasurementError("it did not report its seconds")


def _signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass  # Everything has ended already.
