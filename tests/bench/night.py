#!/usr/bin/env python3
"""The nightly run in Python, on the database and in the same minutes as ours: what it takes, and its peak memory.

It reads all order lines with COPY, computes 66 features, segments, archetypes, churn and spend for every customer with
models that it trains, and writes all of it back with COPY. The libraries are those that most teams would take, each
used the way its authors recommend, with two threads.

    night.py --database-url URL --tenant UUID --as-of 2026-06-30
"""

from __future__ import annotations

import os

# Before polars and the numeric libraries are loaded, which read it once.
for _name in ["POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"]:
    os.environ.setdefault(_name, "2")

import argparse
import datetime
import resource
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent))
from night_peer import database, features, models, segments  # noqa: E402


class Clock:
    """Prints what each phase took."""

    def __init__(self) -> None:
        self.started = self.last = time.perf_counter()

    def done(self, phase: str) -> None:
        now = time.perf_counter()
        print(f"  {phase:<28} {now - self.last:8.1f} s   {peak_mb():8.0f} MB", flush=True)
        self.last = now


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    arguments = parse()
    day = (datetime.date.fromisoformat(arguments.as_of) - datetime.date(1970, 1, 1)).days
    clock = Clock()
    with psycopg.connect(arguments.database_url) as connection:
        lines, ids = database.read_lines(connection, arguments.tenant, arguments.as_of)
        clock.done(f"reading {lines.height} lines")
        effort = models.Effort(
            arguments.train_customers, arguments.train_rows, arguments.snapshots, arguments.days_apart,
            arguments.seeds, arguments.fold_seeds, arguments.rounds, arguments.patience,
        )
        trained = models.train(lines, lines["day"].min(), day, effort)
        clock.done("training")
        table = features.compute(lines, day)
        del lines
        clock.done("features")
        segmentation = segments.Segmentation(table, seed=1)
        clock.done("fitting segments")
        assigned, memberships, confidence = segmentation.assign(table)
        clock.done("segments, archetypes")
        scores = trained.predict(table)
        clock.done("scoring")
        facts, insights = rows(table, ids, assigned, memberships, confidence, scores)
        database.write(connection, facts, insights)
        clock.done("writing")
    print(f"  trees a seed: churn {trained.churn[0].num_trees()}, spend {trained.spend[0].num_trees()}")
    print(f"figure: peer_customers {table.height} customers")
    print(f"figure: peer_seconds {time.perf_counter() - clock.started:.2f} s")
    print(f"figure: peer_peak_mb {peak_mb():.0f} MB")


def rows(table, ids, assigned, memberships, confidence, scores) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is written, a row a customer in both."""
    who = table.select(code="customer").join(ids, on="code", how="left", maintain_order="left")["customer_id"]
    facts = pl.DataFrame([who]).with_columns(
        orders=table["count"],
        spend_cents=(table["spend"] * 100).round().cast(pl.Int64),
        first_order_on=table["first_day"].cast(pl.Date),
        last_order_on=table["last_day"].cast(pl.Date),
        *assigned.get_columns(),
        churn=pl.Series(scores["churn"]),
        ltv=pl.Series(scores["ltv"]),
    )
    numbers = table.select(features.FEATURES).to_numpy().astype(np.float32)
    insights = pl.DataFrame([who]).with_columns(
        confidence=confidence,
        features=database.as_bytea(numbers),
        memberships=database.as_bytea(memberships),
        ltv_low=pl.Series(scores["ltv_low"]),
        ltv_high=pl.Series(scores["ltv_high"]),
    )
    return facts, insights


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the nightly run in Python")
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--as-of", required=True)
    # The defaults are the constants of worker/src/nightly/training.rs and of the trainers' settings.
    parser.add_argument("--train-customers", type=int, default=30_000, help="customers that models are trained on")
    parser.add_argument("--train-rows", type=int, default=20_000, help="customers times snapshots that trees see")
    parser.add_argument("--snapshots", type=int, default=5)
    parser.add_argument("--days-apart", type=int, default=45)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--fold-seeds", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=600)
    parser.add_argument("--patience", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
