"""Plan to rule groups: one group per family, canonical series first, then values, thresholds and alerts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stackgen.catalog import belonging, promql
from stackgen.catalog.entries import is_pattern
from stackgen.catalog.series import Family
from stackgen.catalog.signal import Signal
from stackgen.catalog.site import Site
from stackgen.resolve.plan import Alert, Plan
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


def rule_file(family: str, plan: Plan) -> str:
    """The file of a family's group, below output/."""
    return f"prometheus/rules/{plan.site.named(family)}.yml"


def _group(family: Family, plan: Plan) -> Group:
    recordings = [*_canonical(family, plan)]
    rules: list[Alerting] = []
    for signal in plan.metric_signals:
        if signal.family == family:
            alerts = plan.of(signal)
            behind = [*_behind_patterns(signal, alerts, plan)]
            values = [*_values(signal, plan)]
            recordings += [*_overrides(alerts), *(behind + values if signal.seen else values + behind)]
            recordings += _thresholds(alerts, plan)
            rules += [rule(alert, plan, condition(alert, plan)) for alert in alerts]
    return Group(plan.site.named(family), tuple(_ours(one, plan.site) for one in recordings), tuple(rules))


def _ours(recording: Recording, site: Site) -> Recording:
    """The same rule over this stack's series only, and its result marked as this stack's."""
    labels = {**site.identity, **recording.labels}
    return replace(recording, expr=belonging.narrowed(recording.expr, site), labels=labels)


def _canonical(family: Family, plan: Plan) -> Iterable[Recording]:
    for chosen in plan.chosen.values():
        if chosen.series.family == family:
            why = f"{chosen.series.meaning} From {' and '.join(one.title for one in chosen.sources)}."
            for recorded in chosen.reading.rules(plan.site):
                yield Recording(record=chosen.series.name, expr=recorded.expr, labels=recorded.labels, why=why)
                why = ""


def _overrides(alerts: Iterable[Alert]) -> Iterable[Recording]:
    for alert in alerts:
        for who, threshold in alert.overrides.items():
            if not is_pattern(who):
                yield Recording(
                    record=OVERRIDE,
                    expr=f"vector({promql.number(threshold)})",
                    labels={**_subject(alert), str(alert.signal.overrides): who},
                )


def _behind_patterns(signal: Signal, alerts: Iterable[Alert], plan: Plan) -> Iterable[Recording]:
    """The thresholds of patterns, one for each queue or task that is seen and that no stronger entry means."""
    for alert in alerts:
        patterns = [key for key in alert.overrides if is_pattern(key)]
        if patterns:
            expr = " or ".join(_behind(pattern, alert, plan) for pattern in patterns)
            why = f"Of each {signal.overrides} that {' or '.join(patterns)} means."
            yield Recording(record=OVERRIDE, expr=expr, labels=_subject(alert), why=why)


def _behind(pattern: str, alert: Alert, plan: Plan) -> str:
    signal, threshold, by = alert.signal, alert.overrides[pattern], str(alert.signal.overrides)
    matchers = plan.entries(signal).matchers(by, pattern)
    seen = signal.seen(plan.site, matchers, threshold) if signal.seen else ""
    seen = seen or promql.narrow(_value(signal, plan), *matchers)
    return f"0 * max by ({by}) ({seen}) + {promql.number(threshold)}"


def _values(signal: Signal, plan: Plan) -> Iterable[Recording]:
    if signal.before:
        for name, recorded in signal.before(plan.site):
            yield Recording(record=name, expr=recorded.expr, labels=recorded.labels)
    if signal.record:
        yield Recording(record=signal.record, expr=signal.expr(plan.site), why=f"{signal.title}.")


def _thresholds(alerts: Iterable[Alert], plan: Plan) -> Iterable[Recording]:
    """The threshold of each queue or task: its own, else the default while it is seen at all."""
    for alert in alerts:
        if not alert.overrides:
            continue
        by = alert.signal.overrides
        expr = f"max by ({by}) ({_selector(OVERRIDE, alert)})"
        if alert.threshold is not None:
            expr += f" or on ({by}) 0 * max by ({by}) ({_value(alert.signal, plan)}) + {promql.number(alert.threshold)}"
        yield Recording(record=THRESHOLD, expr=expr, labels=_subject(alert))


def _subject(alert: Alert) -> dict[str, str]:
    return {"signal": alert.signal.id, "severity": alert.severity}


def _selector(record: str, alert: Alert) -> str:
    return promql.select(record, *(f"{name}={promql.text(text)}" for name, text in _subject(alert).items()))


def value(signal: Signal, plan: Plan) -> str:
    """The signal's value as alerts and panels select it."""
    return belonging.narrowed(_value(signal, plan), plan.site)


def _value(signal: Signal, plan: Plan) -> str:
    return signal.record or signal.expr(plan.site)


def _threshold(alert: Alert) -> str:
    """The right-hand side of the comparison: a number, or the recorded threshold of the queue or task."""
    if alert.overrides:
        return _selector(THRESHOLD, alert)
    assert alert.threshold is not None
    return promql.number(alert.threshold)


def condition(alert: Alert, plan: Plan) -> str:
    """The alert's expression."""
    return belonging.narrowed(_condition(alert, plan), plan.site)


def _condition(alert: Alert, plan: Plan) -> str:
    signal = alert.signal
    if signal.always:
        return signal.expr(plan.site)
    operator = ">" if signal.bad_when == "above" else "<"
    if alert.overrides:
        operator += f" on ({signal.overrides})"
    expr = f"{_value(signal, plan)} {operator} {_threshold(alert)}"
    for guard in alert.guards:
        expr = f"({expr}) and on ({', '.join(signal.by)}) {guard.expr} >= {guard.amount}"
    if signal.unless:
        expr = f"({expr}) unless on () {signal.unless}"
    return expr


def rule(alert: Alert, plan: Plan, expr: str) -> Alerting:
    """The alert rule."""
    return Alerting(
        alert=alert,
        expr=expr,
        labels={
            "severity": alert.severity,
            "owner": owners.label(alert, plan.entries(alert.signal)),
            "signal": alert.signal.id,
            **plan.site.identity,
            **{name: literal(text) for name, text in plan.spec.stack.labels.items()},
        },
        annotations=texts(alert, plan),
    )


def printed(rule: Alerting, expr: str) -> dict[str, object]:
    """What templates/prometheus/rules.yml.j2 prints of an alert, with its expression as it shall be laid out."""
    alert = rule.alert
    return {
        "why": f"{alert.signal.title}: {alert.severity} {alert.words}",
        "alert": alert.signal.alert,
        "expr": expr,
        "hold": promql.seconds(alert.hold) if alert.hold else None,
        "keep": promql.seconds(alert.keep_firing_for) if alert.keep_firing_for else None,
        "labels": list(rule.labels.items()),
        "annotations": list(rule.annotations.items()),
    }
