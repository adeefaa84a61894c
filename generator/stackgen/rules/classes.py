"""One alert in parts: the queues or tasks that wait as long as most, and one part for each other time to wait.

A rule of Prometheus has one `for`. So each other one is a rule of its own, and the label `hold` of a recorded threshold
says which of them judges the queue or task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from stackgen.catalog import promql
from stackgen.resolve import words
from stackgen.resolve.plan import Alert, Wait

LABEL = "hold"
MOST = "default"
NEVER = "never"
OTHERS = f'{LABEL}!="{MOST}"'
"""Selects what has a part of its own, or none."""


@dataclass(frozen=True)
class Part:
    """What one rule judges."""

    alert: Alert
    """With the overrides and times of this part only."""
    hold: str | None
    """Value of the label; None where the alert has no other parts."""

    @property
    def labels(self) -> dict[str, str]:
        """The label of its thresholds."""
        return {LABEL: self.hold} if self.hold else {}

    @property
    def matchers(self) -> tuple[str, ...]:
        """What selects its thresholds among the alert's."""
        return () if self.hold is None else (f"{LABEL}={promql.text(self.hold)}",)


def hold(alert: Alert, who: str) -> str:
    """The label of one queue or task; "" where the alert has no other parts."""
    if who in alert.waits:
        return _text(alert.waits[who])
    return MOST if alert.waits or alert.never else ""


def parts(alert: Alert) -> Iterator[Part]:
    """Every part that judges anything; together they are the alert."""
    if not alert.waits and not alert.never:
        yield Part(alert, None)
        return
    rest = {who: limit for who, limit in alert.overrides.items() if who not in alert.waits}
    if rest or alert.threshold is not None:
        yield Part(replace(alert, overrides=rest), MOST)
    for wait in dict.fromkeys(alert.waits.values()):
        mine = {who: alert.overrides[who] for who, one in alert.waits.items() if one == wait}
        text = words.condition(alert.signal, None, wait.hold)
        part = replace(
            alert, threshold=None, hold=wait.hold, keep_firing_for=wait.keep_firing_for, overrides=mine, words=text
        )
        yield Part(part, _text(wait))


def part_of(alert: Alert, who: str) -> Part:
    """The part that judges one queue or task."""
    label = hold(alert, who)
    return next(part for part in parts(alert) if part.hold == (label or None))


def _text(wait: Wait) -> str:
    held = promql.seconds(wait.hold)
    return f"{held}, {promql.seconds(wait.keep_firing_for)}" if wait.keep_firing_for else held
