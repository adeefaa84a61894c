"""plan.json: the plan as plain data, for people who review it and programs that read it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from stackgen.catalog import promql
from stackgen.catalog.dashboard import board_path
from stackgen.catalog.signal import SEVERITIES, Severity
from stackgen.resolve.plan import Alert, Plan, Silencer
from stackgen.resolve.plan_model import (
    FORMAT,
    AlertFacts,
    MuteFacts,
    OffFacts,
    PaceFacts,
    PlanFile,
    QueueFacts,
    ReceiverBySeverity,
    RouteFacts,
    SeriesFacts,
    SourceFacts,
    StackFacts,
    TaskFacts,
)
from stackgen.resolve.routing import Routing
from stackgen.spec.alerting import Mute

PATH = "plan.json"
_SECTIONS = {"celery", "prometheus", "ignore", "links", "flower", "app", "logs", "compose", "kubernetes", "versions"}
_WORST_FIRST = tuple(reversed(SEVERITIES))


def as_json(plan: Plan) -> dict[str, Any]:
    """What plan.json holds: JSON's own types, every key of PlanFile, in one order."""
    return facts(plan).model_dump(mode="json", by_alias=True)


def facts(plan: Plan) -> PlanFile:
    """The plan in the shape of plan.json."""
    spec, routing = plan.spec, Routing(plan.spec)
    written = spec.model_dump(mode="json", by_alias=True, include=_SECTIONS)
    return PlanFile.model_construct(
        format=FORMAT,
        stack=StackFacts.model_construct(
            name=spec.stack.name,
            environment=spec.stack.environment,
            owner=spec.stack.owner,
            labels=spec.stack.labels | {name: ", ".join(values) or "*" for name, values in spec.stack.copies.items()},
        ),
        alerts={f"{one.signal.id}/{one.severity}": _alert(one, plan) for one in plan.alerts},
        off={
            one.signal.id: OffFacts.model_construct(alert=one.signal.alert, reason=one.reason, hint=one.hint)
            for one in plan.off
        },
        queues=_queues(plan),
        tasks=_tasks(plan),
        sources=_sources(plan),
        series=_series(plan),
        groups={
            one.series.group: promql.seconds(plan.site.every(one.series))
            for one in plan.chosen.values()
            if one.series.slow
        },
        shippers=spec.logs.shippers if spec.logs else [],
        receivers={
            name: receiver.model_dump(mode="json", by_alias=True, exclude_none=True)
            for name, receiver in spec.alerting.receivers.items()
        },
        routes=_routes(routing),
        timing={severity: _pace(routing, severity) for severity in _WORST_FIRST},
        mute_times={mute.name: _mute(mute) for mute in spec.alerting.mute},
        celery=written["celery"],
        prometheus=written["prometheus"],
        ignore=written["ignore"],
        links=written["links"],
        flower=written["flower"],
        app=written["app"],
        logs=written["logs"],
        compose=written["compose"],
        kubernetes=written["kubernetes"] if spec.wants("kubernetes") else None,
        versions=written["versions"],
        outputs=list(spec.kinds),
    )


def _queues(plan: Plan) -> dict[str, QueueFacts]:
    usual = plan.spec.stack.owner
    return {
        name: QueueFacts.model_construct(role=one.role, owner=one.owner or usual, min_workers=one.min_workers)
        for name, one in plan.spec.queues.items()
    }


def _tasks(plan: Plan) -> dict[str, TaskFacts]:
    usual = plan.spec.stack.owner
    return {
        name: TaskFacts.model_construct(owner=one.owner or usual, period=one.period.prom if one.period else None)
        for name, one in plan.spec.tasks.items()
    }


def _sources(plan: Plan) -> dict[str, SourceFacts]:
    listed = {written.name for written in plan.spec.sources}
    return {
        one.source.id: SourceFacts.model_construct(
            title=one.source.title,
            version=one.version,
            job=one.job,
            targets=list(one.targets),
            path=one.path,
            series=[name for name, chosen in plan.chosen.items() if one.source in chosen.sources],
            brought_by="" if one.source.id in listed else one.source.brought_by,
        )
        for one in plan.scraped
    }


def _series(plan: Plan) -> dict[str, SeriesFacts]:
    return {
        name: SeriesFacts.model_construct(
            source=chosen.source.id,
            others=[source.id for source in chosen.others],
            meaning=chosen.series.meaning,
            unit=chosen.series.unit,
            labels=list(chosen.series.labels),
            metrics=[metric.name for metric in chosen.reading.uses],
        )
        for name, chosen in plan.chosen.items()
    }


def _routes(routing: Routing) -> RouteFacts:
    alerting = routing.alerting
    return RouteFacts.model_construct(
        default=_receivers(routing, "", None),
        owners={owner: _receivers(routing, owner, None) for owner in alerting.owners},
        queues={queue: _receivers(routing, routing.owner_of(queue), queue) for queue in alerting.queues},
        watchdog=alerting.watchdog,
    )


def _mute(mute: Mute) -> MuteFacts:
    return MuteFacts.model_construct(
        weekdays=list(mute.weekdays) if mute.weekdays else None,
        times=mute.times,
        location=mute.location,
        severities=mute.severities,
        owners=mute.owners,
        queues=mute.queues,
    )


def _receivers(routing: Routing, owner: str, queue: str | None) -> ReceiverBySeverity:
    return ReceiverBySeverity.model_construct(
        critical=routing.receiver("critical", owner, queue),
        warning=routing.receiver("warning", owner, queue),
        info=routing.receiver("info", owner, queue),
    )


def _pace(routing: Routing, severity: Severity) -> PaceFacts:
    pace = routing.pace(severity)
    return PaceFacts.model_construct(
        group_by=list(pace.group_by),
        group_wait=pace.group_wait.prom,
        group_interval=pace.group_interval.prom,
        repeat_interval=pace.repeat_interval.prom,
    )


def _alert(one: Alert, plan: Plan) -> AlertFacts:
    signal = one.signal
    return AlertFacts.model_construct(
        signal=signal.id,
        severity=one.severity,
        alert=signal.alert,
        title=signal.title,
        condition=one.words,
        bad_when=signal.bad_when,
        threshold=None if one.threshold is None else _number(one.threshold),
        unit=signal.unit,
        hold=promql.seconds(one.hold),
        keep_firing_for=promql.seconds(one.keep_firing_for),
        overrides={who: _number(threshold) for who, threshold in one.overrides.items()},
        own=_own(one),
        guards={str(name): amount for name, amount in one.settings.items()},
        origins=dict(one.origins),
        by=list(signal.by),
        owner=one.owner,
        receiver=one.receiver,
        silenced_by=[_silencer(silencer, one) for silencer in one.silencers],
        sources=list(one.sources),
        value=None if signal.log_count else signal.record or signal.expr(plan.site),
        series=[series.name for series in signal.needs],
        runbook_url=f"{plan.spec.links.runbooks.rstrip('/')}/{signal.alert}.md",
        dashboard_url=f"{plan.spec.reached('grafana')}{board_path(signal.dashboard, plan.site)}",
    )


def _own(one: Alert) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for who, wait in one.waits.items():
        mine = found.setdefault(who, {})
        mine |= {"for": promql.seconds(wait.hold), "keep_firing_for": promql.seconds(wait.keep_firing_for)}
    for guard in one.guards:
        for who, amount in guard.own.items():
            found.setdefault(who, {})[guard.setting] = amount
    return {**found, **{who: {"never": True} for who in one.never}}


def _number(value: Fraction) -> float:
    """A whole number stays one in JSON."""
    return value.numerator if value.denominator == 1 else float(value)


def _silencer(one: Silencer, of: Alert) -> str:
    """Such as `CeleryBrokerDown`, `CeleryExporterDown of redis`, `CeleryQueueBacklog at critical`, or a query."""
    if one.expr:
        return one.expr
    text = f"{one.alert} at {one.severity}" if one.alert == of.signal.alert else one.alert
    return f"{text} of {' or '.join(one.of)}" if one.of else text
