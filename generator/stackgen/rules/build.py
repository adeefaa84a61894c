"""Plan to rule groups: one group per family, canonical series first, then values, thresholds and alerts."""

from __future__ import annotations

from collections.abc import Iterable

from stackgen.catalog import promql
from stackgen.catalog.series import Family
from stackgen.catalog.signal import Severity, Signal
from stackgen.catalog.sources.prometheus import GROUP_PREFIX
from stackgen.resolve import words
from stackgen.resolve.plan import Judged, Plan
from stackgen.rules import owners
from stackgen.rules.model import Alerting, Group, Recording
from stackgen.rules.wording import literal, texts

FAMILIES: tuple[Family, ...] = ("workers", "queues", "tasks", "stack")
THRESHOLD = "celery:threshold"
OVERRIDE = "celery:threshold_override"


def groups(plan: Plan) -> tuple[Group, ...]:
    """Every rule group of the stack, in the order of FAMILIES; a family without rules has none."""
    made = (_group(family, plan) for family in FAMILIES)
    return tuple(g for g in made if g.recordings or g.alerts)


def _group(family: Family, plan: Plan) -> Group:
    judged = [j for j in plan.judged if j.signal.family == family]
    recordings = [*_canonical(family, plan)]
    for one in judged:
        recordings += _overrides(one)
        recordings += _values(one, plan)
        recordings += _thresholds(one, plan)
    alerts = tuple(
        alerting(one, severity, plan, condition(one, severity, plan)) for one in judged for severity in one.bounds
    )
    return Group(f"{GROUP_PREFIX}{family}", tuple(recordings), alerts)


def _canonical(family: Family, plan: Plan) -> Iterable[Recording]:
    for chosen in plan.chosen.values():
        if chosen.series.family == family:
            why = f"{chosen.series.meaning} From {chosen.source.title}."
            for rule in chosen.reading.rules(plan.site):
                yield Recording(record=chosen.series.name, expr=rule.expr, labels=rule.labels, why=why)
                why = ""


def _overrides(judged: Judged) -> Iterable[Recording]:
    signal = judged.signal
    for severity in judged.bounds:
        for who, threshold in judged.overridden(severity).items():
            yield Recording(
                record=OVERRIDE,
                expr=f"vector({promql.number(threshold)})",
                labels={"signal": signal.id, "severity": severity, str(signal.overrides): who},
            )


def _values(judged: Judged, plan: Plan) -> Iterable[Recording]:
    signal = judged.signal
    if signal.before:
        for name, rule in signal.before(plan.site):
            yield Recording(record=name, expr=rule.expr, labels=rule.labels)
    if signal.record:
        yield Recording(record=signal.record, expr=signal.expr(plan.site), why=f"{signal.title}.")


def _thresholds(judged: Judged, plan: Plan) -> Iterable[Recording]:
    """The threshold of each queue or task: its own, else the default while it is seen at all."""
    signal = judged.signal
    for severity, bound in judged.bounds.items():
        if not judged.overridden(severity):
            continue
        matchers = f"signal={promql.text(signal.id)},severity={promql.text(severity)}"
        expr = f"max by ({signal.overrides}) ({OVERRIDE}{{{matchers}}})"
        if bound.threshold is not None:
            expr += f" or on ({signal.overrides}) 0 * {_grouped(signal, plan)} + {promql.number(bound.threshold)}"
        yield Recording(record=THRESHOLD, expr=expr, labels={"signal": signal.id, "severity": severity})


def _grouped(signal: Signal, plan: Plan) -> str:
    return f"max by ({signal.overrides}) ({value(signal, plan)})"


def value(signal: Signal, plan: Plan) -> str:
    """The signal's value as alerts and panels select it."""
    return signal.record or signal.expr(plan.site)


def threshold(judged: Judged, severity: Severity) -> str:
    """The right-hand side of the comparison: a number, or the recorded threshold of the queue or task."""
    bound = judged.bounds[severity]
    if judged.overridden(severity):
        return f"{THRESHOLD}{{signal={promql.text(judged.signal.id)},severity={promql.text(severity)}}}"
    assert bound.threshold is not None
    return promql.number(bound.threshold)


def condition(judged: Judged, severity: Severity, plan: Plan) -> str:
    """The alert's expression."""
    signal = judged.signal
    if signal.always:
        return signal.expr(plan.site)
    operator = ">" if signal.bad_when == "above" else "<"
    if judged.overridden(severity):
        operator += f" on ({signal.overrides})"
    expr = f"{value(signal, plan)} {operator} {threshold(judged, severity)}"
    for guard, least in judged.guards(severity):
        on = f"on ({', '.join(signal.by)})"
        expr = f"({expr}) and {on} {guard.expr} >= {least}"
    if signal.unless:
        expr = f"({expr}) unless on () {signal.unless}"
    return expr


def alerting(judged: Judged, severity: Severity, plan: Plan, expr: str, **labels: str) -> Alerting:
    """The alert rule of one severity; `labels` are those that its ruler would not add by itself."""
    signal, bound = judged.signal, judged.bounds[severity]
    return Alerting(
        alert=signal.alert,
        expr=expr,
        hold=bound.hold,
        keep=bound.keep,
        labels={
            "severity": severity,
            "owner": owners.label(signal, plan),
            "signal": signal.id,
            **labels,
            **{name: literal(text) for name, text in plan.spec.stack.labels.items()},
        },
        annotations=texts(judged, severity, plan),
        judged=judged,
        severity=severity,
    )


def _words(rule: Alerting) -> str:
    return words.condition(rule.judged.signal, rule.judged.bounds[rule.severity].threshold, rule.hold)


def printed(rule: Alerting, expr: str) -> dict[str, object]:
    """What templates/prometheus/rules.yml.j2 prints of an alert, with its expression as it shall be laid out."""
    return {
        "why": f"{rule.judged.signal.title}: {rule.severity} {_words(rule)}",
        "alert": rule.alert,
        "expr": expr,
        "hold": promql.seconds(rule.hold) if rule.hold else None,
        "keep": promql.seconds(rule.keep) if rule.keep else None,
        "labels": list(rule.labels.items()),
        "annotations": list(rule.annotations.items()),
    }
