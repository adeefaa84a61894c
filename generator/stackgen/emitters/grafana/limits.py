"""Thresholds as Grafana draws them: the alerts' own numbers, or the series in which queues and tasks have their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

from stackgen.catalog import promql
from stackgen.catalog.dashboard import Panel, View, chosen
from stackgen.catalog.signal import SEVERITIES, Severity
from stackgen.resolve.plan import Alert, Judged, Plan
from stackgen.rules.build import THRESHOLD

COLORS: dict[Severity, str] = {"critical": "red", "warning": "orange", "info": "blue"}
GOOD = "green"


class Line(NamedTuple):
    """A threshold that differs between queues or tasks, as one more query."""

    expr: str
    legend: str
    severity: Severity


def judgements(panel: Panel, stack: Plan) -> list[Judged]:
    """The panel's signals that are on."""
    return [judged for signal in panel.signals if (judged := stack.judgement(signal.id))]


def steps(panel: Panel, stack: Plan) -> list[dict[str, object]]:
    """Grafana's steps: from each value on, the colour of the worst severity that is reached there."""
    on = judgements(panel, stack)
    bad_when = on[0].signal.bad_when if on else "above"
    limits = [(limit, severity) for judged in on for severity, limit in _constant(judged)]
    edges = sorted({limit for limit, _ in limits})
    colors = [_color(s for limit, s in limits if _reached(edge, limit, bad_when)) for edge in [None, *edges]]
    return [
        {"color": color, "value": None if edge is None else _json_number(edge)}
        for edge, color in zip([None, *edges], colors, strict=True)
    ]


def _constant(judged: Judged) -> Iterable[tuple[Severity, Fraction]]:
    for severity, bound in judged.bounds.items():
        if bound.threshold is not None and not judged.overridden(severity):
            yield severity, bound.threshold


def _reached(edge: Fraction | None, limit: Fraction, bad_when: str) -> bool:
    """Whether a value just at or above `edge` (None: below every edge) is beyond the limit."""
    if bad_when == "above":
        return edge is not None and edge >= limit
    return edge is None or edge < limit


def _color(severities: Iterable[Severity]) -> str:
    worst_one = max(severities, key=SEVERITIES.index, default=None)
    return COLORS[worst_one] if worst_one else GOOD


def _json_number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def lines(panel: Panel, view: View, stack: Plan) -> list[Line]:
    """One query for each severity in which a queue or task has its own threshold, only for what the panel draws."""
    return list(chain.from_iterable(_lines(judged, view) for judged in judgements(panel, stack)))


def _lines(judged: Judged, view: View) -> Iterable[Line]:
    signal = judged.signal
    for severity in judged.bounds:
        if judged.overridden(severity):
            own = f'signal="{signal.id}",severity="{severity}"'
            limit = promql.select(THRESHOLD, own, *chosen(signal))
            expr = f"{limit} and on ({signal.overrides}) {view.judged(signal)}"
            yield Line(expr, f"{severity} limit {{{{{signal.overrides}}}}}", severity)


def words(panel: Panel, stack: Plan) -> list[str]:
    """What the panel's alerts say, in words, one sentence for each alert."""
    return [_sentence(stack.of(judged.signal)) for judged in judgements(panel, stack)]


def _sentence(alerts: Sequence[Alert]) -> str:
    said = []
    for alert in alerts:
        own = f" (other limits for {len(alert.overrides)})" if alert.overrides else ""
        said.append(f"{alert.severity} {alert.words}{own}")
    return f"Alert {alerts[0].signal.alert}: {', '.join(said)}."
