"""The record of each alert, one signal at one severity: everything that is true of it on this stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from stackgen.catalog import facts
from stackgen.catalog.series import Series
from stackgen.catalog.signal import OURS, SEVERITIES, Severity, Signal
from stackgen.document import Document, Trail
from stackgen.resolve import words
from stackgen.resolve.logs import judges
from stackgen.resolve.numbers import Numbers
from stackgen.resolve.plan import Alert, Plan, Silencer
from stackgen.resolve.routing import Muting, Routing, mutings
from stackgen.spec.bound import UNWRITTEN
from stackgen.spec.model import StackSpec


def alerts(active: Iterable[Numbers], plan: Plan, document: Document) -> tuple[Alert, ...]:
    """Every alert of the stack, but for what silences it: that is known when all of them are."""
    routing = Routing(plan.spec)
    return tuple(
        _alert(numbers, severity, plan, routing, document) for numbers in active for severity in numbers.thresholds
    )


def with_silencers(plan: Plan) -> tuple[Alert, ...]:
    """The plan's alerts, each with what keeps it quiet."""
    muted = mutings(plan) if plan.spec.is_routed else []
    return tuple(replace(alert, silencers=tuple(_silencers(alert, plan, muted))) for alert in plan.alerts)


def _alert(numbers: Numbers, severity: Severity, plan: Plan, routing: Routing, document: Document) -> Alert:
    signal, threshold = numbers.signal, numbers.thresholds[severity]
    written = _written(numbers, severity, plan.spec)
    places = {**written, **_own(numbers, severity)}
    routed = plan.has_loki or not signal.log_count
    return Alert(
        signal=signal,
        severity=severity,
        threshold=threshold.value,
        hold=threshold.hold,
        keep_firing_for=threshold.keep_firing_for,
        overrides=numbers.overridden(severity),
        waits=numbers.waits(severity),
        never=numbers.never(severity),
        guards=numbers.guards(severity),
        settings=numbers.settings,
        owner=plan.spec.stack.owner,
        owners=own(signal, plan.spec),
        receiver=_receiver(signal, severity, plan.spec, routing) if routed else None,
        words=words.condition(signal, threshold.value, threshold.hold),
        origins=_origins(numbers, severity) | {name: document.origin(path) for name, path in written.items()},
        written={name: ("thresholds", signal.id, *path) for name, path in threshold.written.items()},
        places={name: document.place(path) for name, path in places.items()},
        silencers=(),
        sources=sources(signal, plan),
    )


def own(signal: Signal, spec: StackSpec) -> Mapping[str, str]:
    """Owner by queue or task, for those that have one of their own and this signal can name."""
    if "queue" in signal.by:
        return {name: queue.owner for name, queue in spec.queues.items() if queue.owner}
    if "task" in signal.by:
        return {name: task.owner for name, task in spec.tasks.items() if task.owner}
    return {}


def sources(signal: Signal, plan: Plan) -> tuple[str, ...]:
    """Ids of the sources that the signal is read from; of the logs, the shippers whose backends judge."""
    if signal.log_count:
        return judges(plan.spec)
    return tuple(dict.fromkeys(source for series in signal.needs for source in _read(series, plan)))


def _read(series: Series, plan: Plan) -> tuple[str, ...]:
    """Of what witnesses say, all of theirs."""
    fact = next((fact for fact in facts.FACTS.values() if fact.series is series), None)
    if fact:
        return tuple(witness.source for witness in facts.heard(fact, plan.site))
    return tuple(one.id for one in plan.chosen[series.name].sources)


def _receiver(signal: Signal, severity: Severity, spec: StackSpec, routing: Routing) -> str:
    return spec.alerting.watchdog if signal.always else routing.receiver(severity, spec.stack.owner)


def _written(numbers: Numbers, severity: Severity, spec: StackSpec) -> dict[str, Trail]:
    """The numbers that stack.yaml sets for all queues and tasks, guards too, and where."""
    threshold, top = numbers.thresholds[severity], ("thresholds", numbers.signal.id)
    found: dict[str, Trail] = {name: (*top, *path) for name, path in threshold.written.items()}
    if threshold.value is None:
        found.pop("threshold", None)
    of_signal = spec.thresholds.get(numbers.signal.id, UNWRITTEN)
    guards = (guard.setting for guard in numbers.guards(severity))
    return found | {name: (*top, name) for name in guards if getattr(of_signal, name) is not None}


def _own(numbers: Numbers, severity: Severity) -> dict[str, Trail]:
    """Where the thresholds of single queues and tasks stand."""
    signal = numbers.signal
    section, last = f"{signal.overrides}s", ("thresholds", signal.id, severity)
    return {
        who: (section, who, *((signal.limits_from,) if signal.limits_from else last))
        for who in numbers.overridden(severity)
    }


def _origins(numbers: Numbers, severity: Severity) -> dict[str, str]:
    """Where each number comes from that stack.yaml does not set."""
    signal, threshold = numbers.signal, numbers.thresholds[severity]
    level = signal.levels.get(severity)
    found = {
        "threshold": level.source if level else OURS,
        "for": level.hold_source if level else OURS,
        "keep_firing_for": OURS,
    }
    if threshold.value is None:
        del found["threshold"]
    return found | {guard.setting: OURS for guard in numbers.guards(severity)}


def _silencers(alert: Alert, plan: Plan, muted: Iterable[Muting]) -> Iterator[Silencer]:
    """What keeps the alert quiet although its condition holds: its own rule first, then Alertmanager's inhibitions."""
    signal = alert.signal
    if signal.unless:
        yield Silencer(expr=signal.unless, why="the same event is reported already")
    for muting in muted:
        if signal.id not in muting.targets["signal"]:
            continue
        if "severity" not in muting.by:
            yield Silencer(
                alert=plan.named(muting.by["signal"])[0].alert,
                of=muting.by.get("source", ()),
                only=muting.targets.get("source", ()),
                equal=muting.equal,
                why=muting.why,
            )
        elif alert.severity in muting.targets["severity"]:
            above = next(s for s in SEVERITIES if s in muting.by["severity"])
            yield Silencer(alert=signal.alert, severity=above, equal=muting.equal, why=muting.why)
