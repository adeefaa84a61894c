"""What the rules of a large stack will cost Prometheus, where stack.yaml shows that it is large."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.catalog import cost, promql
from stackgen.catalog.entries import Entries
from stackgen.problem import Problem
from stackgen.verify.subject import Subject


def problems(subject: Subject) -> Iterator[Problem]:
    """A notice from a tenth of the evaluation interval on."""
    spec, site = subject.plan.spec, subject.plan.site
    tasks, workers = len(Entries(spec.tasks).names), sum(queue.min_workers or 0 for queue in spec.queues.values())
    series = cost.series(tasks, max(workers, 1), site)
    took = series * cost.SECONDS
    if took >= cost.EXPECTED * site.evaluation:
        shown = f"{float(took):.1f}"
        message = (
            f"{tasks} tasks on {workers} workers are up to {series:,} series: "
            f"about {shown} s of CPU at each evaluation, every {promql.seconds(site.evaluation)}"
        )
        hint = "docs/capacity.md says what Prometheus needs for them, and what makes them fewer"
        yield Problem(subject.document.key_mark(("tasks",)), "rule-cost", "tasks", message, hint, "warning")
