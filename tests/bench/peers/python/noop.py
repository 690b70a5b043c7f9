"""What every Python peer of the benchmark shares: the job, the proof that its
handler ran, and the command line that bench.py speaks.

A handler run leaves two 24-byte records in $REC/<pid>.rec: sequence (u64),
CLOCK_MONOTONIC nanoseconds (u64), kind (u32), process (u32), little-endian.
They are appended with one write when the handler ends.
"""

import json
import os
import struct
import sys
import time

ENQUEUE, START, END = 0, 1, 2
RECORD = struct.Struct("<QQII")

_files = {}


def job(sequence):
    """A no-op job of about 200 bytes of JSON."""
    return {"sequence": sequence, "padding": "x" * 164}


def run(job):
    """The handler: does nothing, and proves it."""
    _append(_entry(job["sequence"], START) + _entry(job["sequence"], END))


def enqueue(one, many=None, batch=None):
    """Does what the command line asks of a producer: `enqueue N [--bulk]` or
    `enqueue-paced N --gap-ms G`, where `one` enqueues a single job and `many`,
    where there is a bulk call, up to `batch` of them."""
    match sys.argv[1:]:
        case ["enqueue", count, "--bulk"] if many:
            began = time.monotonic()
            for first in range(0, int(count), batch):
                many([job(sequence) for sequence in range(first, min(first + batch, int(count)))])
            print(json.dumps({"seconds": time.monotonic() - began}))
        case ["enqueue", count]:
            began = time.monotonic()
            for sequence in range(int(count)):
                one(job(sequence))
            print(json.dumps({"seconds": time.monotonic() - began}))
        case ["enqueue-paced", count, "--gap-ms", gap_ms]:
            for sequence in range(int(count)):
                _append(_entry(sequence, ENQUEUE))
                one(job(sequence))
                time.sleep(int(gap_ms) / 1000)
        case _:
            raise SystemExit("usage: enqueue N [--bulk] | enqueue-paced N --gap-ms G")


def _entry(sequence, kind):
    return RECORD.pack(sequence, time.monotonic_ns(), kind, os.getpid())


def _append(records):
    # Looked up by process, because Celery forks after this module is loaded.
    process = os.getpid()
    if process not in _files:
        path = os.path.join(os.environ["REC"], f"{process}.rec")
        _files[process] = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(_files[process], records)
