"""Rules that take so long that Prometheus misses evaluations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stackgen.catalog import cost
from stackgen.doctor.finding import Finding
from stackgen.doctor.rules import listed
from stackgen.doctor.seen import Seen


def evaluations(answer: object, names: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """By group of these, in the answer of /api/v1/rules: seconds that its last evaluation took, and its interval."""
    groups = [group for group in listed(answer) if group.get("name") in names]
    return {str(g["name"]): (float(g.get("evaluationTime") or 0), float(g.get("interval") or 0)) for g in groups}


def check(seen: Seen) -> Iterator[Finding]:
    """One finding for each group that takes half of its interval or more."""
    slow = {name: it for name, it in sorted(seen.evaluations.items()) if it[1] and it[0] >= cost.LATE * it[1]}
    samples = (seen.exporter or ()) if slow else ()
    counted = sum(bool(re.fullmatch(cost.SELECTED, sample.name)) for sample in samples)
    for name, (took, interval) in slow.items():
        alerts = {s.alert for s in seen.plan.metric_signals if seen.plan.site.named(s.group) == name}
        yield Finding(
            "rules-slow",
            f"the last evaluation of the group {name} took {took:.1f} s, and one begins every {interval:g} s; "
            f"series of tasks: {counted:,}",
            "make them fewer, or give them a Prometheus or a ruler of their own (docs/capacity.md)",
            tuple(sorted(alerts)),
        )
