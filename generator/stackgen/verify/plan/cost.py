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
        on = f" on {workers} worker{'s' * (workers > 1)}" if workers else ""
        each = " for each worker" if not workers and cost.of_hosts(site) else ""
        message = (
            f"{tasks} tasks{on} are up to {series:,} series{each}: "
            f"about {float(took):.1f} s of CPU at each evaluation, every {promql.seconds(site.evaluation)}"
        )
        hint = "docs/capacity.md says what Prometheus needs for them, and what makes them fewer"
        hint += "; queues.<name>.min_workers says how many workers there are" if each else ""
        yield Problem(subject.document.key_mark(("tasks",)), "rule-cost", "tasks", message, hint, "warning")
