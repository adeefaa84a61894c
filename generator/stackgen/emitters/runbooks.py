"""runbooks/: one page per alert name, made from its signals and this stack's numbers, and an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stackgen.artefact import Artefact
from stackgen.catalog import belonging, promql, registry, runbook
from stackgen.catalog.dashboard import Dashboard, board_path
from stackgen.catalog.logs.log_queries import BY_FAMILY, LogQuery
from stackgen.catalog.series import limit
from stackgen.catalog.signal import OURS, SEVERITIES, Signal
from stackgen.resolve import words
from stackgen.resolve.logs import judges, look
from stackgen.resolve.plan import Alert, Plan
from stackgen.rules import classes, logs
from stackgen.rules.build import THRESHOLD, condition, rule_file, value

Row = dict[str, object]

MOST = 200
"""Longer lists of queues and tasks are cut: nobody reads them at night, and a query shows all."""


def artefacts(plan: Plan) -> list[Artefact]:
    """A page for every alert that this stack has, and the index."""
    pages: dict[str, list[Signal]] = {}
    for signal in plan.active:
        pages.setdefault(signal.alert, []).append(signal)
    return [_index(pages, plan), *(_page(alert, signals, plan) for alert, signals in pages.items())]


def _index(pages: Mapping[str, Sequence[Signal]], plan: Plan) -> Artefact:
    return Artefact(
        path="runbooks/README.md",
        template="runbooks/index.md.j2",
        syntax="markdown",
        context={
            "stack": plan.spec.stack.name,
            "environment": plan.spec.stack.environment,
            "pages": [
                {
                    "alert": alert,
                    "file": f"{alert}.md",
                    "severities": ", ".join(_severities(signals, plan)),
                    "meaning": signals[0].meaning,
                }
                for alert, signals in pages.items()
            ],
        },
    )


def _page(alert: str, signals: Sequence[Signal], plan: Plan) -> Artefact:
    owners = list(dict.fromkeys(pair for signal in signals for pair in plan.of(signal)[0].owners.items()))
    return Artefact(
        path=f"runbooks/{alert}.md",
        template="runbooks/runbook.md.j2",
        syntax="markdown",
        context={
            "alert": alert,
            "severities": ", ".join(_severities(signals, plan)),
            "sections": [_section(signal, plan) for signal in signals],
            "owner": plan.spec.stack.owner,
            "own_owners": owners[:MOST] or None,
            "more_owners": len(owners) - MOST if len(owners) > MOST else None,
            "safe": _commands([c for signal in signals for c in _safe(signal, plan)], plan),
            "dangerous": _commands([c for signal in signals for c in runbook.DANGEROUS[signal.family]], plan) or None,
            "logs": look((query for signal in signals for query in _log_queries(signal)), plan.spec) or None,
            "silences": list(dict.fromkeys(text for signal in signals for text in _silences(signal, plan))),
            "ignored": [*plan.spec.ignore.queues, *plan.spec.ignore.tasks][:MOST] or None,
        },
    )


def _log_queries(signal: Signal) -> tuple[LogQuery, ...]:
    return signal.log_queries or BY_FAMILY[signal.family]


def _severities(signals: Sequence[Signal], plan: Plan) -> list[str]:
    on = {alert.severity for signal in signals for alert in plan.of(signal)}
    return [severity for severity in SEVERITIES if severity in on]


def _section(signal: Signal, plan: Plan) -> Row:
    grafana = plan.spec.reached("grafana")
    board = registry.dashboards().get(signal.dashboard)
    own = _own(plan.of(signal))
    return {
        "title": signal.title,
        "id": signal.id,
        "meaning": signal.meaning,
        "action": signal.action,
        "causes": [*signal.causes, *(f"{name or 'else'}: {text}" for name, text in signal.hints(plan.site).items())],
        "witnesses": [
            {"name": w.name, "source": w.source, "yes": w.yes, "no": w.no or "–", "silence": w.silence, "late": w.late}
            for w in words.witnesses(signal, plan.site)
        ]
        or None,
        "numbers": [_numbers(alert) for alert in plan.of(signal)],
        "dimension": signal.overrides,
        "own": own[:MOST] or None,
        "more": len(own) - MOST if len(own) > MOST else None,
        "asked": "Loki" if signal.log_count else "Prometheus",
        "language": "logql" if signal.log_count else "promql",
        "queries": list(_of_logs(signal, plan) if signal.log_count else _queries(signal, plan)) or None,
        "dashboard": f"{grafana}{board_path(signal.dashboard, plan.site)}",
        "dashboard_title": board.title if board else signal.dashboard,
        "panels": _panels(signal, board, plan) or None if board else None,
        "caveats": _caveats(signal, plan) or None,
        "files": _files(signal, plan) or None,
    }


def _panels(signal: Signal, board: Dashboard, plan: Plan) -> list[str]:
    """Panels that show the signal."""
    if signal.log_count:
        return [board.lines.title] if plan.has_loki else []
    return [panel.title for panel in board.panels if signal in panel.signals]


def _numbers(alert: Alert) -> Row:
    signal = alert.signal
    return {
        "severity": alert.severity,
        "threshold": words.comparison(signal, alert.threshold),
        "hold": promql.seconds(alert.hold) if alert.hold else "at once",
        "keep": promql.seconds(alert.keep_firing_for) if alert.keep_firing_for else "–",
        "least": words.least(alert.guards),
        "set_by": "stack.yaml" if alert.threshold is None or "threshold" in alert.written else "default",
        "origin": signal.levels[alert.severity].source if alert.severity in signal.levels else OURS,
    }


def _own(alerts: Sequence[Alert]) -> list[Row]:
    return [
        {"who": who, "severity": alert.severity, "threshold": limit(threshold, alert.signal.unit)}
        for who, alert, threshold in words.by_subject(alerts)
    ]


def _queries(signal: Signal, plan: Plan) -> Iterator[Row]:
    """What to paste into Prometheus, the judged value first."""

    def ours(selector: str) -> str:
        return belonging.narrowed(selector, plan.site)

    shown = value(signal, plan)
    yield {"why": f"The value that is judged ({signal.title})", "query": shown}
    for series in signal.needs:
        if (read := ours(series.name)) != shown:
            yield {"why": series.meaning.rstrip("."), "query": read}
    if any(alert.overrides for alert in plan.of(signal)):
        of_signal = promql.select(THRESHOLD, f"signal={promql.text(signal.id)}")
        yield {"why": f"The limit of each {signal.overrides}", "query": ours(of_signal)}
    for alert in plan.of(signal):
        for part in classes.parts(alert):
            yield {"why": _holds(part.alert), "query": condition(part, plan)}
    matchers = (f"alertname={promql.text(signal.alert)}", f"signal={promql.text(signal.id)}")
    yield {"why": "What is pending or fires now", "query": ours(promql.select("ALERTS", *matchers))}


def _of_logs(signal: Signal, plan: Plan) -> Iterator[Row]:
    """What to paste into Grafana's Explore, where there is a Loki; the lines themselves stand further below."""
    for alert in plan.of(signal) if plan.has_loki else ():
        yield {"why": _holds(alert), "query": logs.condition(alert, plan)}


def _holds(alert: Alert) -> str:
    return f"Has a result while the condition of severity {alert.severity} holds"


def _caveats(signal: Signal, plan: Plan) -> list[str]:
    chosen = [plan.chosen[series.name] for series in signal.needs if series.name in plan.chosen]
    said = [(one, words.caveat(one)) for one in chosen]
    return [f"{' and '.join(source.title for source in one.sources)}: {text}" for one, text in said if text]


def _files(signal: Signal, plan: Plan) -> list[Row]:
    if signal.log_count:
        there = plan.has_loki and plan.spec.wants("logs")
        return [{"name": "The rule", "file": f"../{logs.path(plan)}"}] if there else []
    if not plan.spec.wants("prometheus"):
        return []
    name = signal.id
    return [
        {"name": "The rule", "file": f"../{rule_file(signal.group, plan)}"},
        {"name": "The tests that prove when it fires", "file": f"../prometheus/tests/{name}.yml"},
    ]


def _safe(signal: Signal, plan: Plan) -> Iterator[runbook.Command]:
    yield from signal.commands
    yield from runbook.SAFE[signal.family]
    if signal.log_count:
        yield from (command for name in judges(plan.spec) for command in runbook.SHIPPED.get(name, ()))
    if signal.family == "queues" or signal.asks_broker:
        yield from runbook.BROKER_DEPTH[plan.spec.celery.broker.kind]


def _commands(commands: Sequence[runbook.Command], plan: Plan) -> list[Row]:
    places = runbook.places(
        plan.spec.celery.app,
        plan.spec.reached("prometheus"),
        plan.spec.reached("alertmanager"),
        promql.seconds(plan.site.scrape_timeout),
    )
    return [
        {"run": runbook.filled(c.run, places), "why": runbook.filled(c.why, places)} for c in dict.fromkeys(commands)
    ]


def _silences(signal: Signal, plan: Plan) -> Iterator[str]:
    """What keeps the alert quiet although the threshold is crossed; prose."""
    alerts = plan.of(signal)
    for guard in signal.guards:
        if least := alerts[0].settings[guard.setting]:
            yield (
                f"Little traffic: `{guard.expr}` below {least} "
                f"(`thresholds.{signal.id}.{guard.setting}` in stack.yaml)."
            )
    if signal.unless:
        yield f"While `{signal.unless}` has a result: the same event is reported already."
    if signal.skips_dead_letters and plan.site.dead_letter:
        yield "Queues with `role: dead_letter`: only CeleryDeadLetters judges them."
    yield from _held_back(alerts)
    yield f"`enabled: false` under `thresholds.{signal.id}` in stack.yaml, or `never` for one severity."
    if signal.by and signal.by[0] in ("queue", "task"):
        yield f"A {signal.by[0]} on the ignore list of stack.yaml."


def _held_back(alerts: Sequence[Alert]) -> Iterator[str]:
    """The alerts under which Alertmanager does not tell this one."""
    others = [(one, alert) for alert in alerts for one in alert.silencers if one.alert]
    for above in reversed(SEVERITIES):
        if below := [alert.severity for one, alert in reversed(others) if one.severity == above]:
            yield f"In Alertmanager, its {' and '.join(below)} under {above}."
    for one in dict.fromkeys(one for one, _ in others if not one.severity):
        of = f" for {' and '.join(one.of)}" if one.of else ""
        yield f"In Alertmanager, while {one.alert} fires{of}: {one.why[0].lower()}{one.why[1:]}"
