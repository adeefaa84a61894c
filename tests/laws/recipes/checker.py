"""A toy judge: no queue is called toy."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.problem import Problem
from stackgen.verify.subject import Subject


def problems(subject: Subject) -> Iterator[Problem]:
    """One finding, at the queue's name."""
    if "toy" in subject.plan.spec.queues:
        mark = subject.document.key_mark(("queues", "toy"))
        yield Problem(mark, "toy-queue", "queues.toy", "expected a grown-up name", "call it play")
