"""Plan to rule groups: one for each part of a family, canonical series first, then values, thresholds and alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from stackgen.catalog import belonging, copies, promql, registry
from stackgen.catalog.entries import is_pattern
from stackgen.catalog.series import Family, Slow
from stackgen.catalog.signal import Signal
from stackgen.catalog.site import Site
from stackgen.resolve.plan import Alert, Plan
from stackgen.rules import classes, owners
from stackgen.rules.model import Alerting, Group, Recording
from stackgen.rules.wording import literal, texts

FAMILIES: tuple[Family, ...] = ("workers", "queues", "tasks", "schedule", "stack")
THRESHOLD = "celery:threshold"
OVERRIDE = "celery:threshold_override"
GUARD = "celery:guard"
GUARD_OVERRIDE = "celery:guard_override"


@lru_cache(maxsize=2)
def groups(plan: Plan) -> tuple[Group, ...]:
    """Every rule group of the stack, in the order of FAMILIES; a family without rules has none."""
    made = (_group(plan, *group) for family in FAMILIES for group in _names(family).items())
    return tuple(g for g in made if g.recordings or g.alerts)


def group_names(site: Site) -> tuple[str, ...]:
    """Every name that a group of this stack's may have."""
    return tuple(site.named(group) for family in FAMILIES for group in _names(family))


def _names(family: Family) -> dict[str, Slow | None]:
    """The family's own, then those of what is evaluated less often."""
    recorded = {series.group: series.slow for series in registry.series().values() if series.family == family}
    return {family: None, **recorded}


def rule_file(group: str, plan: Plan) -> str:
    """The file of a group, below output/: promtool and people load what they need."""
    return f"prometheus/rules/{plan.site.named(group)}.yml"


def _group(plan: Plan, group: str, slow: Slow | None) -> Group:
    recordings = [*_canonical(group, plan)]
    rules: list[Alerting] = []
    for signal in plan.metric_signals:
        if signal.group == group:
            alerts = plan.of(signal)
            behind = [*_behind_patterns(signal, alerts, plan)]
            values = [*_values(signal, plan)]
            recordings += [*_overrides(alerts), *(behind + values if signal.seen else values + behind)]
            recordings += [*_thresholds(alerts, plan), *_guards(alerts, plan)]
            parts = [part for alert in alerts for part in classes.parts(alert)]
            rules += [rule(part.alert, plan, condition(part, plan)) for part in parts]
    recorded = tuple(_ours(one, group, plan.site) for one in recordings)
    if any(copies.KNOWN in one.expr for one in recorded):
        recorded = (*_copies(group, plan), *recorded)
    interval = plan.site.slow[slow] if slow else plan.site.evaluation
    return Group(plan.site.named(group), recorded, tuple(rules), rule_file(group, plan), interval)


def _copies(group: str, plan: Plan) -> Iterable[Recording]:
    """The copies there should be: as stack.yaml says, else all of which anything was scraped lately."""
    site, of_family = plan.site, {"family": group}
    why = "The copies of this stack that there should be."
    for one in site.copies.known:
        yield Recording(copies.KNOWN, "vector(1)", {**site.identity, **of_family, **one}, why)
        why = ""
    if not site.copies.known:
        jobs = [f'group(up{{job="{s.source.job}"}})' for s in plan.scraped if s.source.job not in site.central]
        yield _ours(
            Recording(copies.SEEN, " or ".join(jobs), of_family, "Copies of which anything is scraped."), group, site
        )
        lately = f'group(last_over_time({copies.SEEN}{{family="{group}"}}[{copies.REMEMBERED}]))'
        yield _ours(Recording(copies.KNOWN, lately, of_family, why), group, site)


def _ours(recording: Recording, group: str, site: Site) -> Recording:
    """The same rule over this stack's series only, and its result marked as this stack's."""
    labels = {**site.identity, **recording.labels}
    return replace(recording, expr=belonging.narrowed(recording.expr, site, group), labels=labels)


def _canonical(group: str, plan: Plan) -> Iterable[Recording]:
    for chosen in plan.chosen.values():
        if chosen.series.group == group:
            why = f"{chosen.series.meaning} From {' and '.join(one.title for one in chosen.sources)}."
            for recorded in chosen.reading.rules(plan.site):
                yield Recording(record=chosen.series.name, expr=recorded.expr, labels=recorded.labels, why=why)
                why = ""


def _own(alert: Alert) -> Iterable[tuple[dict[str, str], dict[str, Fraction]]]:
    """What is recorded of single queues, tasks and patterns, with its labels: those that wait as long are together."""
    found: dict[str, dict[str, Fraction]] = {}
    for who, threshold in alert.overrides.items():
        found.setdefault(classes.hold(alert, who), {})[who] = threshold
    if alert.never:
        found[classes.NEVER] = dict.fromkeys(alert.never, Fraction(1))
    for hold, thresholds in found.items():
        yield {**_subject(alert), **({classes.LABEL: hold} if hold else {})}, thresholds


def _overrides(alerts: Iterable[Alert]) -> Iterable[Recording]:
    for alert in alerts:
        for labels, thresholds in _own(alert):
            yield from _recorded(OVERRIDE, thresholds, labels, str(alert.signal.overrides))


def _recorded(
    record: str, amounts: Mapping[str, Fraction | int], labels: Mapping[str, str], by: str
) -> Iterable[Recording]:
    for who, amount in amounts.items():
        if not is_pattern(who):
            yield Recording(record=record, expr=f"vector({promql.number(amount)})", labels={**labels, by: who})


def _behind_patterns(signal: Signal, alerts: Iterable[Alert], plan: Plan) -> Iterable[Recording]:
    """The thresholds of patterns, one for each queue or task that is seen and that no stronger entry means."""
    for alert in alerts:
        for labels, thresholds in _own(alert):
            patterns = [key for key in thresholds if is_pattern(key)]
            if patterns:
                exprs = [_behind(pattern, thresholds[pattern], signal, plan) for pattern in patterns]
                why = f"Of each {signal.overrides} that {' or '.join(patterns)} means."
                yield Recording(record=OVERRIDE, expr=" or ".join(exprs), labels=labels, why=why)


def _behind(pattern: str, threshold: Fraction, signal: Signal, plan: Plan) -> str:
    by = str(signal.overrides)
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
        by = alert.signal.overrides
        for part in classes.parts(alert) if alert.overrides or alert.never else ():
            one, exprs = part.alert, []
            if one.overrides:
                exprs.append(f"max by ({by}) ({_selector(OVERRIDE, one, *part.matchers)})")
            if one.threshold is not None:
                seen = f"0 * max by ({by}) ({_value(one.signal, plan)}) + {promql.number(one.threshold)}"
                others = f" unless on ({by}) {_selector(OVERRIDE, one, classes.OTHERS)}"
                exprs.append(seen if part.hold is None else seen + others)
            yield Recording(
                record=THRESHOLD, expr=f" or on ({by}) ".join(exprs), labels={**_subject(one), **part.labels}
            )


def _guards(alerts: Iterable[Alert], plan: Plan) -> Iterable[Recording]:
    """The least traffic of each queue or task, where some have amounts of their own."""
    own = {guard.setting: (guard, alert.signal) for alert in alerts for guard in alert.guards if guard.own}
    for guard, signal in own.values():
        by, labels = str(signal.overrides), {"signal": signal.id, "setting": guard.setting}
        yield from _recorded(GUARD_OVERRIDE, guard.own, labels, by)
        patterns = filter(is_pattern, guard.own)
        exprs = [_behind(key, Fraction(guard.own[key]), signal, plan) for key in patterns]
        if exprs:
            yield Recording(record=GUARD_OVERRIDE, expr=" or ".join(exprs), labels=labels)
        chosen = f"max by ({by}) ({promql.select(GUARD_OVERRIDE, *promql.exactly(labels))})"
        expr = f"{chosen} or on ({by}) 0 * max by ({by}) ({guard.expr}) + {guard.amount}"
        yield Recording(record=GUARD, expr=expr, labels=labels)


def _subject(alert: Alert) -> dict[str, str]:
    return {"signal": alert.signal.id, "severity": alert.severity}


def _selector(record: str, alert: Alert, *more: str) -> str:
    return promql.select(record, *promql.exactly(_subject(alert)), *more)


def value(signal: Signal, plan: Plan) -> str:
    """The signal's value as alerts and panels select it."""
    if signal.always:
        return _value(signal, plan)
    return belonging.narrowed(_value(signal, plan), plan.site, signal.group)


def _value(signal: Signal, plan: Plan) -> str:
    return signal.record or signal.expr(plan.site)


def _threshold(part: classes.Part) -> str:
    """The right-hand side of the comparison: a number, or the recorded threshold of the queue or task."""
    alert = part.alert
    if part.hold is not None or alert.overrides:
        return _selector(THRESHOLD, alert, *part.matchers)
    assert alert.threshold is not None
    return promql.number(alert.threshold)


def condition(part: classes.Part, plan: Plan) -> str:
    """The expression of one part of an alert."""
    signal = part.alert.signal
    if signal.always:
        return signal.expr(plan.site)
    return belonging.narrowed(_condition(part, plan), plan.site, signal.group)


def _condition(part: classes.Part, plan: Plan) -> str:
    alert, signal = part.alert, part.alert.signal
    operator = ">" if signal.bad_when == "above" else "<"
    if part.hold is not None or alert.overrides:
        operator += f" on ({signal.overrides})" + ("" if signal.by == (signal.overrides,) else " group_left ()")
    expr = f"{_value(signal, plan)} {operator} {_threshold(part)}"
    for guard in alert.guards:
        least = f"{guard.expr} >= {guard.amount}"
        if guard.own:
            labels = {"signal": signal.id, "setting": guard.setting}
            least = f"{guard.expr} >= on ({signal.overrides}) {promql.select(GUARD, *promql.exactly(labels))}"
        expr = f"({expr}) and on ({', '.join(signal.by)}) {least}"
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
