"""The proof of what ran. Every process under test appends 24-byte records to a
file of its own in the folder $REC: sequence (u64), CLOCK_MONOTONIC nanoseconds
(u64), kind (u32: 0 enqueue call, 1 handler start, 2 handler end), process (u32),
little-endian. A job's start and end come in one write, when it ends."""

import os
import struct
from collections import Counter
from dataclasses import dataclass

ENQUEUE, START, END = 0, 1, 2
RECORD = struct.Struct("<QQII")


@dataclass(frozen=True)
class Proof:
    """Whether each of the expected jobs ended exactly once."""

    expected: int
    lost: int
    duplicated: int

    @property
    def holds(self):
        return self.lost == 0 and self.duplicated == 0


def handled(folder):
    """How many handler runs the folder holds. Reads sizes only, as it is asked
    while the measured processes run; producers must record elsewhere."""
    with os.scandir(folder) as files:
        return sum(file.stat().st_size for file in files) // (2 * RECORD.size)


def read(folder):
    """All records of a folder as (sequence, nanoseconds, kind, process)."""
    records = []
    with os.scandir(folder) as files:
        for file in files:
            with open(file.path, "rb") as source:
                data = source.read()
            records.extend(RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size]))
    return records


def prove(records, expected):
    """Counts the jobs 0..expected that never ended and the ends too many."""
    ends = Counter(sequence for sequence, _, kind, _ in records if kind == END)
    lost = sum(1 for sequence in range(expected) if sequence not in ends)
    return Proof(expected, lost, sum(ends.values()) - len(ends))


def first_start(records):
    return min(at for _, at, kind, _ in records if kind == START)


def last_end(records):
    return max(at for _, at, kind, _ in records if kind == END)
