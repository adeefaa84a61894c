"""Everything there is to say of one signal on one stack, as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from stackgen.catalog import input_shapes, promql
from stackgen.catalog.logs.signals import LogSignal
from stackgen.catalog.series import TASK_TIMEOUTS, Unit
from stackgen.catalog.signal import Setting, Severity, Signal
from stackgen.emitters.prometheus.configuration import laid_out
from stackgen.explain import timing
from stackgen.resolve import routing
from stackgen.resolve.logs import JUDGES, judges
from stackgen.resolve.plan import Judged, Logged, Off, Plan
from stackgen.resolve.words import limit
from stackgen.rules import logs
from stackgen.rules.build import OVERRIDE, THRESHOLD, groups
from stackgen.rules.model import Alerting, Recording

_NAME = re.compile(r"[\w:]+")
_ALERT = re.compile(r'alertname="(\w+)"')
_NOUNS: Mapping[Unit, str] = {"tasks": "task", "workers": "worker"}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where one canonical series comes from on this stack."""

    series: str
    meaning: str
    source: str
    title: str
    link: str
    caveat: str


@dataclass(frozen=True, kw_only=True)
class Level:
    """One severity: when it fires, how fast, what keeps it silent, and how it ends."""

    severity: Severity
    fires: str
    overrides: tuple[tuple[str, str], ...]
    guards: tuple[str, ...]
    parts: tuple[timing.Part, ...]
    silenced: tuple[str, ...]
    ends: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One signal on one stack; of one that is off, the reason and what could be done."""

    signal: Signal | LogSignal
    off: Off | None
    origins: tuple[Origin, ...] = ()
    levels: tuple[Level, ...] = ()
    recorded: tuple[Recording, ...] = ()
    test: str = ""


def explain(signal: Signal | LogSignal, plan: Plan) -> Explanation:
    """The signal as this stack judges it."""
    if isinstance(signal, LogSignal):
        return _in_logs(signal, plan)
    judged = plan.judgement(signal.id)
    if judged is None:
        return Explanation(signal=signal, off=next(off for off in plan.off if off.signal is signal))
    made = groups(plan)
    alerts = [alert for group in made for alert in group.alerts if alert.judged is judged]
    recordings = [rule for group in made for rule in group.recordings]
    return Explanation(
        signal=signal,
        off=None,
        origins=tuple(_origins(signal, plan)),
        levels=tuple(_level(alert, judged, plan) for alert in reversed(alerts)),
        recorded=needed((alert.expr for alert in alerts), recordings, signal.id),
        test=f"prometheus/tests/{signal.id}.yml",
    )


def _in_logs(signal: LogSignal, plan: Plan) -> Explanation:
    logged = next((one for one in plan.logged if one.signal is signal), None)
    if logged is None:
        return Explanation(signal=signal, off=next(off for off in plan.unlogged if off.signal is signal))
    alerts = logs.group(plan).alerts if plan.has_loki else ()
    asked = " and ".join(f"{field.path} = {value}" for field, value in signal.question.fields)
    mutings = [m for m in routing.mutings(plan) if signal.id in m.targets["signal"] and "severity" not in m.by]
    names = {one.signal.id: one.signal.alert for one in plan.told}
    return Explanation(
        signal=signal,
        off=None,
        origins=tuple(
            Origin(
                series="lines of the log",
                meaning=f"Those in which {asked}." if asked else "All of them.",
                source=shipper,
                title=shipper,
                link=JUDGES[shipper],
                caveat="",
            )
            for shipper in judges(plan.spec)
        ),
        levels=tuple(
            Level(
                severity=alert.severity,
                fires=fires(logged, alert.severity),
                overrides=(),
                guards=(),
                parts=timing.in_logs(logged, alert.severity, plan),
                silenced=tuple(f"in Alertmanager while {names[m.by['signal'][0]]} fires" for m in mutings),
                ends=_ends_in_logs(signal, plan),
                expr=alert.expr,
                labels=alert.labels,
                annotations=alert.annotations,
            )
            for alert in reversed(alerts)
            if alert.judged is logged
        ),
    )


def _ends_in_logs(signal: LogSignal, plan: Plan) -> str:
    seen = promql.seconds(plan.site.evaluation)
    if signal.window is None:
        return f"within {seen} after a line has arrived"
    return f"within {seen} after the lines are older than {promql.seconds(signal.window)}"


def needed(exprs: Iterable[str], recordings: Iterable[Recording], signal_id: str) -> tuple[Recording, ...]:
    """The recording rules that the expressions read, and what those read, in the order they are evaluated."""
    ours = [r for r in recordings if r.record not in (OVERRIDE, THRESHOLD) or r.labels.get("signal") == signal_id]
    reads = {id(rule): set(_NAME.findall(rule.expr)) for rule in ours}
    wanted = {name for expr in exprs for name in _NAME.findall(expr)}
    while more := {n for rule in ours if rule.record in wanted for n in reads[id(rule)]} - wanted:
        wanted |= more
    return tuple(rule for rule in ours if rule.record in wanted)


def _origins(signal: Signal, plan: Plan) -> list[Origin]:
    return [
        Origin(
            series=series.name,
            meaning=series.meaning,
            source=chosen.source.id,
            title=chosen.source.title,
            link=chosen.source.link,
            caveat=chosen.reading.caveat,
        )
        for series in signal.needs
        for chosen in [plan.chosen[series.name]]
    ]


def _level(alert: Alerting, judged: Judged, plan: Plan) -> Level:
    severity = alert.severity
    unit = judged.signal.unit
    return Level(
        severity=severity,
        fires=fires(judged, severity),
        overrides=tuple((who, limit(value, unit)) for who, value in judged.overridden(severity).items()),
        guards=tuple(guard_words(judged, severity)),
        parts=timing.parts(judged, severity, plan),
        silenced=tuple(_silenced(judged, severity, plan)),
        ends=_ends(judged, severity, plan),
        expr=laid_out(alert.expr),
        labels=alert.labels,
        annotations=alert.annotations,
    )


def amount(value: Fraction, unit: Unit) -> str:
    """A threshold with its noun: 5000 tasks, 1 worker, 5%, 10m."""
    noun = _NOUNS.get(unit, "")
    return f"{limit(value, unit)} {noun}{'' if value == 1 else 's'}" if noun else limit(value, unit)


def fires(judged: Judged | Logged, severity: Severity) -> str:
    """When the severity begins, as the rest of a sentence that starts with `fires`."""
    signal, bound = judged.signal, judged.bounds[severity]
    if signal.id == "watchdog":
        return "always"
    size = amount(bound.threshold, signal.unit) if bound.threshold is not None else "its own limit"
    each = f" for a {signal.by[0].replace('_', ' ')}" if signal.by else ""
    lasting = f", without a break for {promql.seconds(bound.hold)}" if bound.hold else ", at once"
    return f'when "{signal.title}" is {signal.bad_when} {size}{each}{lasting}'


def guard_words(judged: Judged, severity: Severity) -> list[str]:
    """The least traffic, in words that follow `at least`."""
    guards = judged.guards(severity)
    window = max((series.window for series in judged.signal.needs if series.kind == "counter"), default=0)
    words = [f"{least} {_things(guard.setting, judged.signal)} ({guard.setting})" for guard, least in guards]
    if words and not isinstance(judged.signal.shape, input_shapes.Drain):
        words[-1] += f" in {promql.seconds(window)}"
    return words


def _things(setting: Setting, signal: Signal) -> str:
    """What a guard counts."""
    match setting, signal.shape:
        case "min_tasks", input_shapes.Drain():
            return "waiting tasks"
        case "min_failures", input_shapes.Share(part=part, part_labels=labels):
            return "timeouts" if part is TASK_TIMEOUTS else "retries" if labels.get("state") == "RETRY" else "failures"
        case _:
            return "tasks"


def _silenced(judged: Judged, severity: Severity, plan: Plan) -> list[str]:
    signal = judged.signal
    words = []
    if signal.unless:
        other = _ALERT.search(signal.unless)
        words.append(f"while {other[1]} fires" if other else f"while this has a result: {signal.unless}")
    if severity != "critical" and "critical" in judged.bounds:
        words.append("in Alertmanager while the same alert is critical")
    if signal.id != "exporter_down" and plan.judgement("exporter_down"):
        used = dict.fromkeys(plan.chosen[series.name].source.id for series in signal.needs)
        told = [
            f"in Alertmanager while CeleryExporterDown fires for {source}"
            for source in used
            if source in plan.site.jobs
        ]
        words += told
    return words


def _ends(judged: Judged, severity: Severity, plan: Plan) -> str:
    if judged.signal.id == "watchdog":
        return "never: its silence is the alarm"
    keep = judged.bounds[severity].keep
    seen = promql.seconds(plan.site.scrape + plan.site.evaluation)
    text = f"within {seen} after the value is good again"
    if lingers := timing.lingers(judged):
        text += f"; what is over counts for another {promql.seconds(lingers)}"
    return f"{text}; then it keeps firing for {promql.seconds(keep)}" if keep else text
