"""runbooks/: one page per alert name, made from its signals and this stack's numbers, and an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stackgen.artefact import Artefact
from stackgen.catalog import promql, registry, runbook
from stackgen.catalog.dashboard import Dashboard
from stackgen.catalog.logs.log_queries import BY_FAMILY, LogQuery
from stackgen.catalog.signal import OURS, SEVERITIES, Signal
from stackgen.catalog.sources.prometheus import GROUP_PREFIX
from stackgen.resolve import routing, words
from stackgen.resolve.alerts import own
from stackgen.resolve.logs import judges, look
from stackgen.resolve.plan import Alert, Judged, Plan
from stackgen.resolve.routing import Muting
from stackgen.rules import logs
from stackgen.rules.build import THRESHOLD, condition, value

Row = dict[str, object]

MOST = 200
"""Longer lists of queues and tasks are cut: nobody reads them at night, and a query shows all."""


def artefacts(stack: Plan) -> list[Artefact]:
    """A page for every alert that this stack has, and the index."""
    pages: dict[str, list[Judged]] = {}
    for judged in stack.active:
        pages.setdefault(judged.signal.alert, []).append(judged)
    mutings = routing.mutings(stack) if stack.spec.wants("alertmanager") else []
    return [_index(pages, stack), *(_page(alert, judged, stack, mutings) for alert, judged in pages.items())]


def _index(pages: Mapping[str, Sequence[Judged]], stack: Plan) -> Artefact:
    return Artefact(
        path="runbooks/README.md",
        template="runbooks/index.md.j2",
        syntax="markdown",
        context={
            "stack": stack.spec.stack.name,
            "environment": stack.spec.stack.environment,
            "pages": [
                {
                    "alert": alert,
                    "file": f"{alert}.md",
                    "severities": ", ".join(_severities(judged)),
                    "meaning": judged[0].signal.meaning,
                }
                for alert, judged in pages.items()
            ],
        },
    )


def _page(alert: str, judged: Sequence[Judged], stack: Plan, mutings: Sequence[Muting]) -> Artefact:
    told = list(dict.fromkeys(pair for one in judged for pair in own(one.signal, stack.spec).items()))
    return Artefact(
        path=f"runbooks/{alert}.md",
        template="runbooks/runbook.md.j2",
        syntax="markdown",
        context={
            "alert": alert,
            "severities": ", ".join(_severities(judged)),
            "sections": [_section(one, stack) for one in judged],
            "owner": stack.spec.stack.owner,
            "own_owners": told[:MOST] or None,
            "more_owners": len(told) - MOST if len(told) > MOST else None,
            "safe": _commands([c for one in judged for c in _safe(one, stack)], stack),
            "dangerous": _commands([c for one in judged for c in runbook.DANGEROUS[one.signal.family]], stack) or None,
            "logs": look(
                (a for one in judged for a in one.signal.log_queries or BY_FAMILY[one.signal.family]), stack.spec
            )
            or None,
            "silences": list(dict.fromkeys(text for one in judged for text in _silences(one, stack, mutings))),
            "ignored": [*stack.spec.ignore.queues, *stack.spec.ignore.tasks][:MOST] or None,
        },
    )


def _log_queries(signal: Signal) -> tuple[LogQuery, ...]:
    return signal.log_queries or BY_FAMILY[signal.family]


def _severities(judged: Sequence[Judged]) -> list[str]:
    return [severity for severity in SEVERITIES if any(severity in one.bounds for one in judged)]


def _section(judged: Judged, stack: Plan) -> Row:
    signal = judged.signal
    grafana = stack.spec.reached("grafana")
    board = registry.dashboards().get(signal.dashboard)
    own = list(_own(judged))
    return {
        "title": signal.title,
        "id": signal.id,
        "meaning": signal.meaning,
        "action": signal.action,
        "causes": list(signal.causes),
        "numbers": [_numbers(alert) for alert in stack.of(signal)],
        "dimension": signal.overrides,
        "own": own[:MOST] or None,
        "more": len(own) - MOST if len(own) > MOST else None,
        "asked": "Loki" if signal.log_count else "Prometheus",
        "language": "logql" if signal.log_count else "promql",
        "queries": list(_of_logs(judged, stack) if signal.log_count else _queries(judged, stack)) or None,
        "dashboard": f"{grafana}/d/{signal.dashboard}",
        "dashboard_title": board.title if board else signal.dashboard,
        "panels": _panels(judged, board, stack) or None if board else None,
        "caveats": _caveats(judged, stack) or None,
        "files": _files(judged, stack) or None,
    }


def _panels(judged: Judged, board: Dashboard, stack: Plan) -> list[str]:
    """Panels that show the signal."""
    if judged.signal.log_count:
        return [board.lines.title] if stack.has_loki else []
    return [panel.title for panel in board.panels if judged.signal in panel.signals]


def _numbers(alert: Alert) -> Row:
    signal = alert.signal
    return {
        "severity": alert.severity,
        "threshold": words.comparison(signal, alert.threshold),
        "hold": promql.seconds(alert.hold) if alert.hold else "at once",
        "keep": promql.seconds(alert.keep) if alert.keep else "–",
        "least": words.least(alert.guards),
        "set_by": "stack.yaml" if alert.threshold is None or "threshold" in alert.written else "default",
        "origin": signal.levels[alert.severity].source if alert.severity in signal.levels else OURS,
    }


def _own(judged: Judged) -> list[Row]:
    return [
        {"who": who, "severity": severity, "threshold": words.limit(threshold, judged.signal.unit)}
        for who, levels in judged.overrides.items()
        for severity, threshold in levels.items()
    ]


def _queries(judged: Judged, stack: Plan) -> Iterator[Row]:
    """What to paste into Prometheus, the judged value first."""
    signal = judged.signal
    shown = value(signal, stack)
    yield {"why": f"The value that is judged ({signal.title})", "query": shown}
    for series in signal.needs:
        if series.name != shown:
            yield {"why": series.meaning.rstrip("."), "query": series.name}
    if any(judged.overridden(severity) for severity in judged.bounds):
        matcher = f"signal={promql.text(signal.id)}"
        yield {"why": f"The limit of each {signal.overrides}", "query": promql.select(THRESHOLD, matcher)}
    for severity in judged.bounds:
        yield {
            "why": f"Has a result while the condition of severity {severity} holds",
            "query": condition(judged, severity, stack),
        }
    matchers = (f"alertname={promql.text(signal.alert)}", f"signal={promql.text(signal.id)}")
    yield {"why": "What is pending or fires now", "query": promql.select("ALERTS", *matchers)}


def _of_logs(logged: Judged, stack: Plan) -> Iterator[Row]:
    """What to paste into Grafana's Explore, where there is a Loki; the lines themselves stand further below."""
    for severity in logged.bounds if stack.has_loki else ():
        why = f"Has a result while the condition of severity {severity} holds"
        yield {"why": why, "query": logs.condition(logged, severity, stack)}


def _caveats(judged: Judged, stack: Plan) -> list[str]:
    chosen = [stack.chosen[series.name] for series in judged.signal.needs if series.name in stack.chosen]
    return [f"{one.source.title}: {one.reading.caveat}" for one in chosen if one.reading.caveat]


def _files(judged: Judged, stack: Plan) -> list[Row]:
    if judged.signal.log_count:
        there = stack.has_loki and stack.spec.wants("logs")
        return [{"name": "The rule", "file": f"../{logs.path(stack)}"}] if there else []
    if not stack.spec.wants("prometheus"):
        return []
    family, name = judged.signal.family, judged.signal.id
    return [
        {"name": "The rule", "file": f"../prometheus/rules/{GROUP_PREFIX}{family}.yml"},
        {"name": "The tests that prove when it fires", "file": f"../prometheus/tests/{name}.yml"},
    ]


def _safe(judged: Judged, stack: Plan) -> Iterator[runbook.Command]:
    signal = judged.signal
    yield from signal.commands
    yield from runbook.SAFE[signal.family]
    if judged.signal.log_count:
        yield from (command for name in judges(stack.spec) for command in runbook.SHIPPED.get(name, ()))
    if signal.family == "queues" or signal.asks_broker:
        yield from runbook.BROKER_DEPTH[stack.spec.celery.broker.kind]


def _commands(commands: Sequence[runbook.Command], stack: Plan) -> list[Row]:
    places = runbook.places(
        stack.spec.celery.app,
        stack.spec.reached("prometheus"),
        stack.spec.reached("alertmanager"),
        promql.seconds(stack.site.scrape_timeout),
    )
    return [
        {"run": runbook.filled(c.run, places), "why": runbook.filled(c.why, places)} for c in dict.fromkeys(commands)
    ]


def _silences(judged: Judged, stack: Plan, mutings: Sequence[Muting]) -> Iterator[str]:
    """What keeps the alert quiet although the threshold is crossed; prose."""
    signal = judged.signal
    for guard in signal.guards:
        if judged.settings[guard.setting]:
            yield (
                f"Little traffic: `{guard.expr}` below {judged.settings[guard.setting]} "
                f"(`thresholds.{signal.id}.{guard.setting}` in stack.yaml)."
            )
    if signal.unless:
        yield f"While `{signal.unless}` has a result: the same event is reported already."
    if signal.skips_dead_letters and stack.site.dead_letter:
        yield "Queues with `role: dead_letter`: only CeleryDeadLetters judges them."
    yield from _held_back(judged, stack, mutings)
    yield f"`enabled: false` under `thresholds.{signal.id}` in stack.yaml, or `never` for one severity."
    if signal.by and signal.by[0] in ("queue", "task"):
        yield f"A {signal.by[0]} on the ignore list of stack.yaml."


def _held_back(judged: Judged, stack: Plan, mutings: Sequence[Muting]) -> Iterator[str]:
    """The alerts under which Alertmanager does not tell this one."""
    alerts = {one.signal.id: one.signal.alert for one in stack.told}
    for muting in mutings:
        if judged.signal.id not in muting.targets["signal"]:
            continue
        if "severity" in muting.by:
            yield f"In Alertmanager, its {' and '.join(muting.targets['severity'])} under {muting.by['severity'][0]}."
        else:
            above = " and ".join(alerts[name] for name in muting.by["signal"])
            of = f" for {' and '.join(muting.by['source'])}" if "source" in muting.by else ""
            yield f"In Alertmanager, while {above} fires{of}: {muting.why[0].lower()}{muting.why[1:]}"
