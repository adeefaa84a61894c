"""What promtool must load and how often it must evaluate it, to judge one signal: its time is the product of both."""

from __future__ import annotations

from collections.abc import Iterable

from stackgen.catalog import input_shapes
from stackgen.catalog.signal import Signal
from stackgen.resolve.plan import Plan

CROWD = 200
"""Own limits among the loaded rules from which on they are evaluated half as often."""
LONG = 1200
"""Seconds of hold from which on five minutes lie between evaluations."""
_EXACT = (
    input_shapes.Value | input_shapes.Age | input_shapes.Failures | input_shapes.Overdue | input_shapes.Tally
)  # what holds from a moment that is known


def loaded(signal: Signal, plan: Plan) -> list[str]:
    """The groups whose rules record what is judged: the signal's own comes last."""
    read = (series for need in signal.needs for series in (*plan.chosen[need.name].reading.reads, need))
    recorded = (one for one in read if one.name in plan.chosen and plan.chosen[one.name].reading.rules(plan.site))
    others = dict.fromkeys(one.group for one in recorded if one.group != signal.group)
    return [*others, signal.group]


def tick(signal: Signal, plan: Plan, waits: Iterable[int], *, is_filling: bool) -> int:
    """Seconds between evaluations: no closer than the holds need, whatever interval they have in earnest.

    Two to a hold tell it from half and from twice as long.
    """
    waits = [wait for wait in waits if wait]
    coarse = 60 if isinstance(signal.shape, _EXACT) and not is_filling else 120
    if not isinstance(signal.shape, input_shapes.Growth):  # which looks back at 5 minutes
        if _is_crowded(signal, plan):
            coarse = 120 if coarse == 60 else 300
        if min(waits, default=0) >= LONG:
            coarse = 300
    found = next((t for t in (coarse, 120, 60) if t <= coarse and all(wait >= 2 * t for wait in waits)), 30)
    # What is new since the last evaluation: no sample, one a minute, may fall between two, or count twice.
    is_new = signal.slow and isinstance(signal.shape, input_shapes.Overdue | input_shapes.Tally)
    return max(min(found, 60), int(plan.site.every(signal))) if is_new else found


def _is_crowded(signal: Signal, plan: Plan) -> bool:
    groups = loaded(signal, plan)
    return sum(len(one.overrides) for one in plan.alerts if one.signal.group in groups) > CROWD
