"""The record of each alert, one signal at one severity: everything that is true of it on this stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stackgen.catalog.signal import OURS, SEVERITIES, Guard, Severity, Signal
from stackgen.document import where
from stackgen.resolve import words
from stackgen.resolve.logs import judges
from stackgen.resolve.plan import Alert, Judged, Least, Plan, Route, Silencer
from stackgen.resolve.routing import Muting, Routing, mutings
from stackgen.spec.bound import UNWRITTEN
from stackgen.spec.model import StackSpec


def alerts(plan: Plan) -> tuple[Alert, ...]:
    """Every alert of the stack: signals of the metrics first, then those of the logs, the mildest severity first."""
    muted = mutings(plan) if plan.spec.wants("alertmanager") else []
    routing = Routing(plan.spec)
    return tuple(_alert(one, severity, plan, routing, muted) for one in plan.active for severity in one.bounds)


def _alert(one: Judged, severity: Severity, plan: Plan, routing: Routing, muted: Sequence[Muting]) -> Alert:
    signal, bound = one.signal, one.bounds[severity]
    told = plan.has_loki or not signal.log_count
    return Alert(
        signal=signal,
        severity=severity,
        threshold=bound.threshold,
        hold=bound.hold,
        keep=bound.keep,
        overrides=one.overridden(severity),
        guards=tuple(
            Least(guard.setting, amount, guard.expr, guard.noun, guard.window) for guard, amount in one.guards(severity)
        ),
        owner=plan.spec.stack.owner,
        owners=own(signal, plan.spec),
        route=_route(signal, severity, plan.spec, routing) if told else None,
        routes=tuple(_routes(signal, severity, plan.spec, routing)) if told else (),
        words=words.condition(signal, bound.threshold, bound.hold),
        origins=_origins(one, severity, plan.spec),
        written={name: ("thresholds", signal.id, *path) for name, path in bound.written.items()},
        silencers=tuple(_silencers(signal, severity, plan, muted)),
        sources=sources(signal, plan),
    )


def _least(guard: Guard, amount: int) -> Least:
    return Least(guard.setting, amount, guard.expr, guard.noun, guard.window)


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
    return tuple(dict.fromkeys(plan.chosen[series.name].source.id for series in signal.needs))


def _route(signal: Signal, severity: Severity, spec: StackSpec, routing: Routing) -> Route:
    """Who is told where neither the queue nor another owner decides."""
    if signal.always:
        return Route("", "", spec.alerting.watchdog, ())
    owner = spec.stack.owner
    return Route("", "", routing.receiver(severity, owner), routing.mutes(severity, owner))


def _routes(signal: Signal, severity: Severity, spec: StackSpec, routing: Routing) -> Iterator[Route]:
    """Queues and owners whose alerts go another way, or are not told at other times."""
    default = _route(signal, severity, spec, routing)
    by_owner = {owner: _of(owner, None, severity, routing) for owner in dict.fromkeys(own(signal, spec).values())}
    for owner, way in by_owner.items():
        if way != (default.receiver, default.mutes):
            yield Route("owner", owner, *way)
    for queue in routing.special_queues() if "queue" in signal.by else ():
        owner = routing.owner_of(queue)
        way = _of(owner, queue, severity, routing)
        if way != by_owner.get(owner, (default.receiver, default.mutes)):
            yield Route("queue", queue, *way)


def _of(owner: str, queue: str | None, severity: Severity, routing: Routing) -> tuple[str, tuple[str, ...]]:
    return routing.receiver(severity, owner, queue), routing.mutes(severity, owner, queue)


def _origins(one: Judged, severity: Severity, spec: StackSpec) -> dict[str, str]:
    """Where each number comes from: its place in stack.yaml, else the catalogue's source."""
    signal, written = one.signal, one.bounds[severity].written
    found = {
        "threshold": signal.levels[severity].source if severity in signal.levels else OURS,
        "for": OURS,
        "keep_firing_for": OURS,
    }
    if one.bounds[severity].threshold is None:
        del found["threshold"]
    found |= {name: where(("thresholds", signal.id, *path)) for name, path in written.items() if name in found}
    thresholds = spec.thresholds.get(signal.id, UNWRITTEN)
    for guard, _ in one.guards(severity):
        said = getattr(thresholds, guard.setting) is not None
        found[guard.setting] = where(("thresholds", signal.id, guard.setting)) if said else OURS
    return found


def _silencers(signal: Signal, severity: Severity, plan: Plan, muted: Iterable[Muting]) -> Iterator[Silencer]:
    """What keeps the alert quiet although its condition holds: its own rule first, then Alertmanager's inhibitions."""
    names = {one.signal.id: one.signal.alert for one in plan.told}
    if signal.unless:
        yield Silencer(expr=signal.unless, why="the same event is reported already")
    for muting in muted:
        if signal.id not in muting.targets["signal"]:
            continue
        if "severity" not in muting.by:
            yield Silencer(
                alert=names[muting.by["signal"][0]],
                of=muting.by.get("source", ()),
                only=muting.targets.get("source", ()),
                equal=muting.equal,
                why=muting.why,
            )
        elif severity in muting.targets["severity"]:
            above = next(s for s in SEVERITIES if s in muting.by["severity"])
            yield Silencer(alert=signal.alert, severity=above, equal=muting.equal, why=muting.why)
