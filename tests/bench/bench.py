#!/usr/bin/env python3
"""Measures our queue and its peers in the same run, on the same machine, with
private Postgres (fsync on) and Redis servers that are gone afterwards.

The jobs do nothing and are about 200 bytes of JSON, so the figures are about the
queues alone. Every handler run is recorded: a figure counts only jobs that are
proven to have run, and lost or repeated ones are printed beside it. Absolute
figures hold for the machine and the hour; the ratios of one run are what to
compare.

  drain    a backlog worked off by one worker process, from the first handler
           start until the last completion is in the queue's store
  bulk     the enqueue of that backlog through the queue's bulk call
  enqueue  one call after the other by one producer
  latency  from the enqueue call to the handler start on an idle worker

A round in which the host took too much processor time from this machine is named:
its figures say more about the neighbours than about the queues. The peers come from tests/bench/install; those that are missing are skipped."""

import argparse
import os
import platform
import signal
import sys
import time
from pathlib import Path

# The checkout stays as it is: no __pycache__ beside the sources.
sys.dont_write_bytecode = True

from harness import measure  # noqa: E402
from harness.peers import OURS, REPOSITORY, ours, peers  # noqa: E402
from harness.processor import Watch  # noqa: E402
from harness.report import Report  # noqa: E402
from harness.servers import ServerError, Servers  # noqa: E402

MEASUREMENTS = ("drain", "enqueue", "bulk", "latency")
FULL = {"backlog": 20_000, "singles": 5_000, "samples": 200}
QUICK = {"backlog": 4_000, "singles": 1_000, "samples": 50}


def main():
    options = _options()
    known = [ours(), *peers(options.installed)]
    chosen = [queue for queue in known if queue.name == OURS or not options.peers or queue.name in options.peers]
    if unknown := set(options.peers or ()) - {queue.name for queue in known}:
        raise SystemExit(f"there is no peer {', '.join(sorted(unknown))}; there are: {', '.join(q.name for q in known)}")
    report = Report(chosen, options.rounds)
    able = []
    for queue in chosen:
        if reason := queue.missing(options.installed):
            report.skip(queue.name, reason)
        else:
            able.append(queue)

    # Ends the servers and workers as well when somebody ends the benchmark.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    began = time.monotonic()
    with Servers() as servers:
        for number in range(1, options.rounds + 1):
            # Turned round every time, so that no queue always runs on a warmer machine.
            order = able if number % 2 else able[::-1]
            watch = Watch()
            _round(servers, order, number, options, report)
            report.stolen(number, watch.share())

    print(report.text())
    if options.json:
        report.write(options.json, _conditions(options, able, time.monotonic() - began))
    return 0 if report.sound() else 1


def _round(servers, queues, number, options, report):
    """One measurement after the other, each over all queues, so that what is
    compared was measured within the same minutes."""
    wanted, sizes = options.only, options.sizes
    if wanted & {"drain", "bulk", "enqueue"}:
        for queue in queues:
            # Without a bulk call the backlog is enqueued one by one, which is that figure.
            if wanted & {"drain", "bulk"} or not queue.has_bulk:
                _backlog(servers, queue, number, sizes["backlog"], wanted, report)
    if "enqueue" in wanted:
        for queue in queues:
            if queue.has_bulk:
                _singles(servers, queue, number, sizes["singles"], report)
    if "latency" in wanted:
        for queue in queues:
            _latency(servers, queue, number, sizes["samples"], report)


def _backlog(servers, queue, number, count, wanted, report):
    found = _attempt(report, queue, "drain", number, lambda: measure.throughput(servers, queue, count, queue.has_bulk))
    if not found:
        return
    report.prove(queue.name, "drain", found.proof)
    enqueued = "enqueue_bulk" if queue.has_bulk else "enqueue_one"
    if ("bulk" if queue.has_bulk else "enqueue") in wanted:
        report.add(queue.name, enqueued, number, found.enqueue_rate)
    if "drain" in wanted:
        report.add(queue.name, "drain", number, found.drain_rate)
    _progress(number, queue, f"drain {found.drain_rate:.0f}/s, {enqueued} {found.enqueue_rate:.0f}/s", found.proof)


def _singles(servers, queue, number, count, report):
    found = _attempt(report, queue, "enqueue_one", number, lambda: measure.throughput(servers, queue, count, False))
    if not found:
        return
    report.prove(queue.name, "enqueue_one", found.proof)
    report.add(queue.name, "enqueue_one", number, found.enqueue_rate)
    _progress(number, queue, f"enqueue_one {found.enqueue_rate:.0f}/s", found.proof)


def _latency(servers, queue, number, count, report):
    found = _attempt(report, queue, "start", number, lambda: measure.latency(servers, queue, count))
    if not found:
        return
    report.prove(queue.name, "start", found.proof)
    shares = {share: found.percentile(share) for share in (50, 95, 99)}
    for share, value in shares.items():
        report.add(queue.name, f"start_p{share}", number, value)
    _progress(number, queue, ", ".join(f"p{share} {value:.2f} ms" for share, value in shares.items()), found.proof)


def _attempt(report, queue, measurement, number, run):
    """A queue that breaks costs its own figure, not the run."""
    try:
        return run()
    except (measure.MeasurementError, ServerError) as error:
        report.fail(queue.name, measurement, number, error)
        print(f"round {number}: {queue.name}: {measurement} failed: {error}", file=sys.stderr, flush=True)
        return None


def _progress(number, queue, text, proof):
    once = "" if proof.holds else f" (lost {proof.lost}, duplicated {proof.duplicated})"
    print(f"round {number}: {queue.name}: {text}{once}", file=sys.stderr, flush=True)


def _conditions(options, queues, seconds):
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(seconds),
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        "rounds": options.rounds,
        "sizes": options.sizes,
        "settings": {queue.name: queue.settings for queue in queues},
    }


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="how often each figure is measured (default 3; 1 with --quick)")
    parser.add_argument("--peers", type=_names, help="only these peers beside ours, separated by commas")
    parser.add_argument("--only", type=_names, default=set(MEASUREMENTS), help=f"of {','.join(MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="one round of small sizes, to see that all works")
    parser.add_argument("--json", type=Path, help="also write the figures and every round's value there")
    parser.add_argument("--installed", type=Path, default=REPOSITORY / ".local" / "bench", help="the installer's folder")
    options = parser.parse_args()
    if unknown := options.only - set(MEASUREMENTS):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.sizes = QUICK if options.quick else FULL
    options.installed = options.installed.resolve()
    return options


def _names(text):
    return {name for name in text.split(",") if name}


if __name__ == "__main__":
    sys.exit(main())
