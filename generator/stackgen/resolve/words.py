"""What is true of an alert in words: the only place that knows how a threshold is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from stackgen.catalog import facts, promql
from stackgen.catalog.series import Unit, limit
from stackgen.catalog.signal import Signal
from stackgen.catalog.site import Site
from stackgen.catalog.witness import Witness
from stackgen.resolve.plan import Alert, Chosen, Least, Silencer

_ALERT = re.compile(r'alertname="(\w+)"')
FIELD = re.compile(r"\{(\w+)(?::(\w+))?\}")
"""What is filled into the text of a signal: its name, and the noun that is counted."""
_SUBJECTS = {"missing": "thing that is missing"}
"""What a label means whose name is no noun."""
_NOUNS: Mapping[Unit, str] = {"tasks": "task", "workers": "worker"}


def plural(noun: str) -> str:
    """Several of them: tasks, processes."""
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def comparison(signal: Signal, threshold: Fraction | None) -> str:
    """When the value is bad: `above 5000`, `below its own limit` where only overrides are judged, or `always`."""
    if signal.always:
        return "always"
    number = "its own limit" if threshold is None else limit(threshold, signal.unit)
    return f"{signal.bad_when} {number}"


def condition(signal: Signal, threshold: Fraction | None, hold: Fraction) -> str:
    """The same with how long it must last: `above 5000 for 10m`."""
    text = comparison(signal, threshold)
    return f"{text} for {promql.seconds(hold)}" if hold else text


def amount(value: Fraction, unit: Unit) -> str:
    """A threshold with its noun: 5000 tasks, 1 worker, 5%, 10m."""
    noun = _NOUNS.get(unit, "")
    return f"{limit(value, unit)} {noun}{'' if value == 1 else 's'}" if noun else limit(value, unit)


def by_subject(alerts: Sequence[Alert]) -> list[tuple[str, Alert, Fraction]]:
    """The overrides of one signal's alerts in the order of stack.yaml: queue or task, alert, threshold."""
    names = dict.fromkeys(who for alert in alerts for who in alert.overrides)
    return [(who, alert, alert.overrides[who]) for who in names for alert in alerts if who in alert.overrides]


def fires(alert: Alert) -> str:
    """When the alert begins, as the rest of a sentence that starts with `fires`."""
    signal = alert.signal
    if signal.always:
        return "always"
    size = amount(alert.threshold, signal.unit) if alert.threshold is not None else "its own limit"
    each = f" for a {_SUBJECTS.get(signal.by[0], signal.by[0].replace('_', ' '))}" if signal.by else ""
    lasting = f", without a break for {promql.seconds(alert.hold)}" if alert.hold else ", at once"
    return f'when "{signal.title}" is {signal.bad_when} {size}{each}{lasting}'


def least(guards: Sequence[Least]) -> str:
    """The guards in a cell of a table: `min_tasks 20, min_failures 5`, or `any`."""
    return ", ".join(f"{guard.setting} {guard.amount}" for guard in guards) or "any"


def with_nouns(guards: Sequence[Least]) -> list[str]:
    """The guards in words that follow `at least`: `20 tasks (min_tasks)`, and the window after the last."""
    found = [f"{guard.amount} {guard.noun} ({guard.setting})" for guard in guards]
    if guards and guards[-1].window:
        found[-1] += f" in {promql.seconds(guards[-1].window)}"
    return found


def caveat(chosen: Chosen) -> str:
    """What to mind about a number: what its source does not see, and why it may be too small."""
    small = f"At least this: {chosen.too_small}." if chosen.too_small else ""
    return f"{chosen.reading.inaccuracy} {small}".strip()


def witnesses(signal: Signal, site: Site) -> list[Witness]:
    """On whose word the signal stands: those that can tell the facts that it judges."""
    judged = filter(None, map(facts.of, signal.needs))
    return [witness for fact in judged for witness in facts.heard(fact, site)]


def silenced(one: Silencer) -> str:
    """When an alert is kept quiet: `in Alertmanager while CeleryExporterDown fires for redis`."""
    if one.expr:
        other = _ALERT.search(one.expr)
        return f"while {other[1]} fires" if other else f"while this has a result: {one.expr}"
    if one.severity:
        return f"in Alertmanager while the same alert is {one.severity}"
    of = f" for {' and '.join(one.of)}" if one.of else ""
    return f"in Alertmanager while {one.alert} fires{of}"
