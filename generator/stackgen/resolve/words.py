"""Numbers of alerts in words: the only place that knows how a threshold is written."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from stackgen.catalog import promql
from stackgen.catalog.input_shapes import Always
from stackgen.catalog.logs.signals import LogSignal
from stackgen.catalog.series import Unit
from stackgen.catalog.signal import Signal


def limit(value: Fraction, unit: Unit) -> str:
    """A threshold as a person writes it: 5000, 5%, 5m, 10/s."""
    match unit:
        case "ratio":
            return f"{promql.number(value * 100)}%"
        case "seconds":
            return promql.seconds(value)
        case "per_second":
            return f"{promql.number(value)}/s"
        case "tasks" | "workers" | "count":
            return promql.number(value)
        case _:
            assert_never(unit)


def comparison(signal: Signal | LogSignal, threshold: Fraction | None) -> str:
    """When the value is bad: `above 5000`, `below its own limit` where only overrides are judged, or `always`."""
    if isinstance(signal, Signal) and isinstance(signal.shape, Always):
        return "always"
    number = "its own limit" if threshold is None else limit(threshold, signal.unit)
    return f"{signal.bad_when} {number}"


def condition(signal: Signal | LogSignal, threshold: Fraction | None, hold: Fraction) -> str:
    """The same with how long it must last: `above 5000 for 10m`."""
    text = comparison(signal, threshold)
    return f"{text} for {promql.seconds(hold)}" if hold else text
