"""Rule files that the user put beside ours."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.problem import Problem
from stackgen.verify import own_rules
from stackgen.verify.subject import Subject


def problems(subject: Subject) -> Iterator[Problem]:
    """What is wrong with the rules in output/prometheus/rules that are not ours."""
    if own := own_rules.files(subject.output, list(subject.files)):
        yield from own_rules.problems(subject.output, own, subject.plan)
