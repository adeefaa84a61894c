"""An even spread of the mutants of `python -m tests.mutation`: none may survive, in under a minute."""

from __future__ import annotations

import pytest

from tests.mutation import written
from tests.mutation.__main__ import SPECS, chosen
from tests.mutation.equivalent import EQUIVALENT, reason
from tests.mutation.expressions import FINE, mistakes
from tests.mutation.judge import REPOSITORY, judged

EVERY = 61


def test_every_mistake_of_a_comparison_is_made() -> None:
    assert [m.text for m in mistakes("a > 10", FINE)] == [
        "(a) > (5)",
        "(a) > (9)",
        "(a) > (11)",
        "(a) > (20)",
        "(a) >= (10)",
        "(a) < (10)",
    ]


def test_a_mistake_keeps_the_escapes_of_what_it_leaves_alone() -> None:
    """A rule that does not parse is noticed by every test, and tells nothing of any."""
    found = [m.text for m in mistakes(r'max(length{job="x",queue!~"celeryev\\..*|a\"b"})', FINE)]

    assert found == [
        r'max(length{queue!~"celeryev\\..*|a\"b"})',
        'max(length{job="x"})',
        r'min(length{job="x",queue!~"celeryev\\..*|a\"b"})',
        r'sum(length{job="x",queue!~"celeryev\\..*|a\"b"})',
    ]


def test_every_excuse_gives_its_proof() -> None:
    assert [one.rule for one in EQUIVALENT if len(one.proof.split()) < 5] == []


@pytest.mark.promtool
@pytest.mark.slow
def test_a_sample_of_mutants_is_killed() -> None:
    promtool = REPOSITORY / ".tools" / "v3" / "usr" / "bin" / "promtool"

    survivors = [
        verdict.mutant
        for suite, sample in chosen(SPECS, EVERY)
        for verdict in judged(sample, suite, promtool)
        if not verdict.killed and not reason(verdict.mutant)
    ]

    assert [f"{m.rule}: {m.what}" for m in survivors] == []


@pytest.mark.promtool
@pytest.mark.slow
def test_a_sample_of_mistakes_in_routes_and_dashboards_is_noticed() -> None:
    promtool = REPOSITORY / ".tools" / "v3" / "usr" / "bin" / "promtool"

    assert [str(score) for score in written.scores(promtool, every=23) if score.percent < written.LEAST] == []
