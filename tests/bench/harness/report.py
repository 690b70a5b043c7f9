"""What a run found: medians over its rounds, ratios of ours to each peer within
a round, a table for people, one `figure:` line a number for comparing runs."""

import json
import statistics

from .peers import OURS
from .processor import TRUSTED_SHARE

# name: (unit, digits, heading). Rates are better when higher, start times when lower.
FIGURES = {
    "drain": ("jobs/s", 0, "drain, jobs/s"),
    "enqueue_one": ("jobs/s", 0, "enqueue one by one"),
    "enqueue_bulk": ("jobs/s", 0, "enqueue in bulk"),
    "start_p50": ("ms", 2, "start p50, ms"),
    "start_p95": ("ms", 2, "p95"),
    "start_p99": ("ms", 2, "p99"),
}
# What ours is held against: the fastest peer of the class that it competes with.
# A queue in Redis starts a job soonest, a queue in Postgres keeps it as safely.
RATIOS = {
    "drain_ratio": ("drain", "any"),
    "bulk_ratio": ("enqueue_bulk", "postgres"),
    "one_by_one_ratio": ("enqueue_one", "postgres"),
    "start_p50_ratio": ("start_p50", "redis"),
    "start_p99_ratio": ("start_p99", "redis"),
}
# What a proof covers, in the order of the table.
PROOFS = ("drain", "enqueue_one", "start")


class Report:
    """Collects the figures of each queue and round."""

    def __init__(self, queues, rounds):
        self._queues, self._rounds = queues, rounds
        self._values = {}
        self._lost, self._duplicated = {}, {}
        self._skipped, self._failed = {}, []
        self._stolen = {}

    def skip(self, name, reason):
        self._skipped[name] = reason

    def fail(self, name, measurement, number, reason):
        self._failed.append(f"{name}, {measurement}, round {number}: {reason}")

    def add(self, name, figure, number, value):
        self._values.setdefault((name, figure), {})[number] = value

    def prove(self, name, measurement, proof):
        key = (name, measurement)
        self._lost[key] = self._lost.get(key, 0) + proof.lost
        self._duplicated[key] = self._duplicated.get(key, 0) + proof.duplicated

    def stolen(self, number, share):
        """The share of processor time that the host took during a round."""
        self._stolen[number] = share

    def untrusted(self):
        """The rounds in which that was too much."""
        return [number for number, share in self._stolen.items() if share > TRUSTED_SHARE]

    def sound(self):
        """Whether ours was measured, and every job of ours ran exactly once."""
        measured = any(name == OURS for name, _ in self._values)
        broken = any(line.startswith(f"{OURS},") for line in self._failed)
        wrong = sum(total for counts in (self._lost, self._duplicated) for (name, _), total in counts.items() if name == OURS)
        return measured and not broken and wrong == 0

    def text(self):
        """The table, what went wrong, and the figure lines."""
        parts = [self._table(), *self._notes(), ""]
        parts += [f"figure: {name} {_number(value, digits)} {unit}" for name, value, unit, digits in self._figures()]
        return "\n".join(parts)

    def write(self, path, conditions):
        """The same as JSON, with every round's value."""
        found = {
            "conditions": conditions,
            "figures": {name: {"value": round(value, digits), "unit": unit} for name, value, unit, digits in self._figures()},
            "rounds": {f"{figure}_{name}": list(values.values()) for (name, figure), values in self._values.items()},
            "stolen": {str(number): round(share, 4) for number, share in self._stolen.items()},
            "skipped": self._skipped,
            "failed": self._failed,
        }
        with open(path, "w") as target:
            json.dump(found, target, indent=2)
            target.write("\n")

    def _table(self):
        shown = [figure for figure in FIGURES if any(key[1] == figure for key in self._values)]
        rows = [["queue", *(FIGURES[figure][2] for figure in shown), "exactly once"]]
        for queue in self._queues:
            cells = [self._cell(queue.name, figure) for figure in shown]
            if any(cells):
                rows.append([queue.name, *(cell or "-" for cell in cells), self._once(queue.name)])
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join(lines)

    def _notes(self):
        notes = [f"skipped: {name}: {reason}" for name, reason in self._skipped.items()]
        notes += [f"failed: {line}" for line in self._failed]
        notes += [
            f"{label}: ours to {found[0]}, the best peer{'' if store == 'any' else f' in {store}'}"
            for label, (figure, store) in RATIOS.items()
            if (found := self._fastest(figure, store))
        ]
        notes += [
            f"not to be trusted: round {number}: {self._stolen[number]:.1%} of the processor time was stolen by the host"
            for number in self.untrusted()
        ]
        return ["", *notes] if notes else []

    def _cell(self, name, figure):
        values = list(self._values.get((name, figure), {}).values())
        if not values:
            return ""
        digits = FIGURES[figure][1]
        middle = _number(statistics.median(values), digits)
        return f"{middle} [{_number(min(values), digits)}-{_number(max(values), digits)}]"

    def _once(self, name):
        lost = sum(total for (queue, _), total in self._lost.items() if queue == name)
        duplicated = sum(total for (queue, _), total in self._duplicated.items() if queue == name)
        return "yes" if lost == duplicated == 0 else f"NO: lost {lost}, duplicated {duplicated}"

    def _figures(self):
        """Everything worth comparing, as (name, value, unit, digits)."""
        names = [queue.name for queue in self._queues]
        for figure, (unit, digits, _) in FIGURES.items():
            for name in names:
                if values := self._values.get((name, figure)):
                    yield f"{figure}_{name}", statistics.median(values.values()), unit, digits
            for name in names:
                if name != OURS and (ratio := self._ratio(figure, name)) is not None:
                    yield f"{figure}_ratio_{name}", ratio, "ratio", 3
        for label, (figure, store) in RATIOS.items():
            if found := self._fastest(figure, store):
                _, ratio = found
                yield label, ratio, "ratio", 3
        if self._stolen:
            yield "stolen_max", max(self._stolen.values()) * 100, "percent", 2
            yield "rounds_untrusted", len(self.untrusted()), "rounds", 0
        for measurement in PROOFS:
            for name in names:
                if (name, measurement) in self._lost:
                    yield f"{measurement}_lost_{name}", self._lost[name, measurement], "jobs", 0
                    yield f"{measurement}_duplicated_{name}", self._duplicated[name, measurement], "jobs", 0

    def _fastest(self, figure, store):
        """The fastest peer whose jobs live in `store`, and ours to it; None
        when either was not measured. Times are better when they are shorter."""
        medians = {
            queue.name: statistics.median(self._values[queue.name, figure].values())
            for queue in self._queues
            if queue.name != OURS and store in ("any", queue.store) and (queue.name, figure) in self._values
        }
        if not medians:
            return None
        best = min if FIGURES[figure][0] == "ms" else max
        peer = best(medians, key=medians.get)
        ratio = self._ratio(figure, peer)
        return None if ratio is None else (peer, ratio)

    def _ratio(self, figure, peer):
        """Ours to the peer's, of each round that has both; their median."""
        own, other = self._values.get((OURS, figure), {}), self._values.get((peer, figure), {})
        ratios = [own[number] / other[number] for number in own if number in other]
        return statistics.median(ratios) if ratios else None


def _number(value, digits):
    return f"{value:.{digits}f}"
