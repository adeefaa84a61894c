"""How long after a full change an alert can fire first, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from stackgen.catalog import facts, input_shapes, promql
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Signal
from stackgen.resolve.plan import Alert, Plan

_OUTLIERS = Fraction(5, 100)
"""Share of slow tasks beyond which a 95th percentile is slow."""


@dataclass(frozen=True)
class Part:
    """One reason to wait, in seconds."""

    seconds: Fraction
    why: str


def parts(alert: Alert, plan: Plan) -> tuple[Part, ...]:
    """What passes, at the most, until the alert fires, when from one moment on everything is bad."""
    if alert.signal.always:
        return ()
    scrape = 0 if alert.signal.log_count else plan.site.scrape  # a shipper needs about a second
    listed = (
        _effect(alert),
        _sighting(alert.signal, plan),
        _bridge(alert.signal, plan),
        Part(Fraction(scrape), "scrape"),
        Part(plan.site.every(alert.signal), "evaluation"),
        Part(alert.hold, "for"),
    )
    return tuple(part for part in listed if part.seconds)


def _effect(alert: Alert) -> Part:
    """How long the window takes to show the change."""
    share = Fraction(0) if alert.threshold is None else alert.threshold
    shape = alert.signal.shape
    match shape:
        case input_shapes.Value(series=series):
            return Part(_part(share) * series.warmup, f"until the {_window(series)} shows it")
        case input_shapes.Share(part=series, inverted=inverted):
            needed = 1 - share if inverted else share
            return Part(_part(needed) * series.window, f"until {_percent(needed)} of the last {_size(series)} is bad")
        case input_shapes.Quantile(series=series):
            return Part(_OUTLIERS * series.window, f"until 5% of the last {_size(series)} is slow")
        case input_shapes.Stuck(started=series) | input_shapes.Drain(started=series):
            return Part(Fraction(series.window), f"until the starts of the last {_size(series)} are past")
        case input_shapes.Growth(series=series):
            return Part(Fraction(series.window), f"until the slope over {_size(series)} is complete")
        case input_shapes.Overdue():
            return Part(min(alert.overrides.values(), default=share), "the shortest period")
        case input_shapes.Lines():
            counts = alert.signal.log_count is not None and alert.signal.log_count.window is not None
            return Part(Fraction(0) if counts else share, "without a line")
        case (
            input_shapes.Tally()
            | input_shapes.Testimony()
            | input_shapes.Age()
            | input_shapes.Fleet()
            | input_shapes.Failures()
            | input_shapes.Always()
        ):
            return Part(Fraction(0), "")
        case _:
            assert_never(shape)


def _sighting(signal: Signal, plan: Plan) -> Part:
    """The clock of a periodic task starts when its success is seen, by one scrape and one evaluation."""
    is_clock = isinstance(signal.shape, input_shapes.Overdue)
    return Part(plan.site.every(signal) if is_clock else Fraction(0), "evaluation that saw the last success")


def _part(share: Fraction) -> Fraction:
    return min(Fraction(1), max(Fraction(0), share))


def _percent(share: Fraction) -> str:
    return f"{promql.number(share * 100)}%"


def _size(series: Series) -> str:
    return promql.seconds(series.window)


def _window(series: Series) -> str:
    return f"average over {promql.seconds(series.warmup)}"


def _bridge(signal: Signal, plan: Plan) -> Part:
    """A value that one missed scrape must not make small is the largest of some scrapes: it falls late."""
    if signal.bad_when == "below":
        chosen = (plan.chosen[series.name] for series in signal.needs)
        texts = [rule.expr for one in chosen for rule in one.reading.rules(plan.site)]
        judged = filter(None, map(facts.of, signal.needs))
        texts += [witness.says(plan.site) for fact in judged for witness in facts.heard(fact, plan.site)]
        if any("max_over_time(" in text and f"[{plan.site.bridge}]" in text for text in texts):
            return Part(plan.site.bridged, "until the last good scrape is forgotten")
    return Part(Fraction(0), "")


def total(listed: tuple[Part, ...]) -> Fraction:
    """The sum of all parts, to the whole second."""
    return Fraction(round(sum((part.seconds for part in listed), Fraction(0))))


def lingers(signal: Signal) -> int:
    """Seconds for which what is over still counts, because a window holds it."""
    if isinstance(signal.shape, input_shapes.Overdue):
        return 0
    return max((series.window for series in signal.needs if series.kind == "counter"), default=0)
