"""Tests of what every figure rests on: counting lost and repeated jobs, the
percentiles, the ratios. Run: python3 -m unittest discover -s tests/bench -t tests/bench"""

import re
import tempfile
import unittest
from pathlib import Path

from harness import records
from harness.measure import Latency
from harness.peers import OURS, peers, ours
from harness.processor import Watch
from harness.records import END, RECORD, START, Proof
from harness.report import Report


def run_of(sequence, at):
    return RECORD.pack(sequence, at, START, 1) + RECORD.pack(sequence, at + 5, END, 1)


class Records(unittest.TestCase):
    def test_every_job_once(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "1.rec").write_bytes(run_of(0, 100) + run_of(2, 300))
            (Path(folder) / "2.rec").write_bytes(run_of(1, 200))
            entries = records.read(folder)
            self.assertEqual(records.handled(folder), 3)
        self.assertEqual(records.prove(entries, 3), Proof(3, 0, 0))
        self.assertEqual((records.first_start(entries), records.last_end(entries)), (100, 305))

    def test_a_lost_and_a_repeated_job_are_both_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            # As many runs as jobs, so that a mere count would not notice.
            (Path(folder) / "1.rec").write_bytes(run_of(0, 100) + run_of(2, 300) + run_of(2, 400))
            proof = records.prove(records.read(folder), 3)
        self.assertEqual((proof.lost, proof.duplicated, proof.holds), (1, 1, False))

    def test_a_torn_record_is_no_record(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "1.rec").write_bytes(run_of(0, 100) + run_of(1, 200)[:40])
            self.assertEqual(records.prove(records.read(folder), 2), Proof(2, 1, 0))


class Percentiles(unittest.TestCase):
    def test_they_are_samples_of_the_nearest_rank(self):
        latency = Latency([float(number) for number in range(1, 201)], Proof(200, 0, 0))
        self.assertEqual([latency.percentile(share) for share in (50, 95, 99)], [100, 190, 198])
        self.assertEqual(Latency([7.0], Proof(1, 0, 0)).percentile(99), 7.0)


class Stolen(unittest.TestCase):
    def test_the_share_is_of_what_passed_since(self):
        lines = iter(["cpu  10 0 10 70 5 0 5 100 8 0", "cpu  30 0 30 110 5 0 5 120 9 0"])
        self.assertEqual(Watch(lambda: next(lines)).share(), 0.2)


class Figures(unittest.TestCase):
    def setUp(self):
        self.queues = [ours(), *peers(Path("/nowhere"))]
        self.report = Report(self.queues, 3)
        for number, (own, fast, slow) in enumerate([(300, 200, 10), (100, 250, 10), (360, 240, 10)], start=1):
            self.report.add(OURS, "drain", number, own)
            self.report.add("graphile_worker", "drain", number, fast)
            self.report.add("celery", "drain", number, slow)

    def test_ratios_are_medians_of_each_rounds_own_ratio(self):
        lines = self.report.text().splitlines()
        self.assertIn("figure: drain_ours 300 jobs/s", lines)
        self.assertIn("figure: drain_ratio_graphile_worker 1.500 ratio", lines)
        self.assertIn("figure: drain_ratio 1.500 ratio", lines)
        self.assertIn("figure: drain_ratio_celery 30.000 ratio", lines)

    def test_a_round_that_one_side_lacks_does_not_count(self):
        self.report.add(OURS, "enqueue_one", 1, 50)
        self.report.add(OURS, "enqueue_one", 2, 80)
        self.report.add("celery", "enqueue_one", 2, 40)
        self.assertIn("figure: enqueue_one_ratio_celery 2.000 ratio", self.report.text())

    def test_figure_lines_have_one_form(self):
        self.report.prove(OURS, "drain", Proof(9, 0, 0))
        found = [line for line in self.report.text().splitlines() if line.startswith("figure")]
        for line in found:
            self.assertRegex(line, re.compile(r"^figure: [a-z0-9_]+ \d+(\.\d+)? (jobs/s|ms|ratio|jobs|percent|rounds)$"))

    def test_start_times_are_held_against_the_soonest_peer_in_redis(self):
        for name, value in [(OURS, 2.0), ("bullmq", 1.0), ("celery", 4.0), ("graphile_worker", 0.5)]:
            self.report.add(name, "start_p50", 1, value)
        self.assertIn("figure: start_p50_ratio 2.000 ratio", self.report.text())
        self.assertIn("start_p50_ratio: ours to bullmq, the best peer in redis", self.report.text())

    def test_bulk_and_single_enqueues_are_held_against_peers_in_postgres(self):
        for figure in ("enqueue_bulk", "enqueue_one"):
            for name, value in [(OURS, 30), ("graphile_worker", 10), ("celery", 90)]:
                self.report.add(name, figure, 1, value)
        text = self.report.text()
        self.assertIn("figure: bulk_ratio 3.000 ratio", text)
        self.assertIn("figure: one_by_one_ratio 3.000 ratio", text)

    def test_a_round_whose_processor_was_stolen_is_named(self):
        self.report.stolen(1, 0.001)
        self.report.stolen(2, 0.25)
        text = self.report.text()
        self.assertIn("not to be trusted: round 2: 25.0%", text)
        self.assertNotIn("round 1:", text)
        self.assertIn("figure: stolen_max 25.00 percent", text)
        self.assertIn("figure: rounds_untrusted 1 rounds", text)

    def test_only_a_complete_and_exact_ours_is_sound(self):
        self.assertTrue(self.report.sound())
        self.report.prove("celery", "drain", Proof(9, 1, 0))
        self.assertTrue(self.report.sound())
        self.report.prove(OURS, "drain", Proof(9, 0, 1))
        self.assertFalse(self.report.sound())
        self.assertIn("NO: lost 0, duplicated 1", self.report.text())
        self.assertFalse(Report(self.queues, 3).sound())


if __name__ == "__main__":
    unittest.main()
