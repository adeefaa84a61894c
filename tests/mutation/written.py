"""How many mistakes in alertmanager.yml and in the dashboards are noticed by what they mean, not by a golden."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.alertmanager.stacks import understood
from tests.grafana.boards import STACKS, plan_of
from tests.mutation import alertmanager, dashboards

REPOSITORY = Path(__file__).resolve().parents[2]
ALERTING = (REPOSITORY / "tests/specs/valid/alerting.yaml", REPOSITORY / "stack.yaml")
LEAST = 95.0
"""Per cent that must be noticed; what is left is printed, to be read."""


class Score(NamedTuple):
    """What became of the mistakes in one kind of file."""

    kind: str
    noticed: int
    survivors: tuple[str, ...]
    same: int
    """Mistakes that are none, by a proof."""

    @property
    def percent(self) -> float:
        """Of those that are mistakes, how many were noticed."""
        return 100 * self.noticed / max(1, self.noticed + len(self.survivors))

    def __str__(self) -> str:
        """The survivors, then the score."""
        told = (
            f"{self.percent:.1f} % ({self.noticed} of {self.noticed + len(self.survivors)}; {self.same} mean the same)"
        )
        return "\n".join((*(f"survives: {one}" for one in self.survivors), f"{self.kind}: {told}"))


def scores(promtool: Path, every: int = 1) -> Iterator[Score]:
    """Alertmanager's, then the dashboards'; of each the mutants that a step of `every` meets."""
    yield _alertmanager(every)
    yield _dashboards(promtool, every)


def _alertmanager(every: int) -> Score:
    noticed, same, survivors = 0, 0, []
    for stack in ALERTING:
        subject = alertmanager.Subject(understood(stack)[1])
        for mutant in [*subject.mutants()][::every]:
            if subject.by_tests(mutant):
                noticed += 1
            elif subject.same(mutant):
                same += 1
            elif subject.by_check(mutant):
                noticed += 1
            else:
                survivors.append(f"{stack.name}: {mutant.place}: {mutant.what}")
    return Score("alertmanager.yml", noticed, tuple(survivors), same)


def _dashboards(promtool: Path, every: int) -> Score:
    with tempfile.TemporaryDirectory(prefix="stackgen-mutation-") as folder:
        subject = dashboards.Subject(plan_of(Path(folder), STACKS["logs"]))
    judged = [*subject.judged([*subject.mutants()][::every], promtool)]
    survivors = tuple(mutant.name for mutant, why in judged if not why)
    return Score("dashboards", len(judged) - len(survivors), survivors, 0)
