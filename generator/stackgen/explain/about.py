"""Everything there is to say of one signal on one stack, as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from stackgen.catalog import promql
from stackgen.catalog.series import limit
from stackgen.catalog.signal import Severity, Signal
from stackgen.catalog.witness import Witness
from stackgen.explain import timing
from stackgen.resolve import words
from stackgen.resolve.logs import JUDGES, judges
from stackgen.resolve.plan import Alert, DisabledSignal, Plan
from stackgen.rules import logs
from stackgen.rules.build import OVERRIDE, THRESHOLD, groups
from stackgen.rules.model import Alerting, Group, Recording
from stackgen.rules.plain import laid_out

_NAME = re.compile(r"[\w:]+")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where one canonical series comes from on this stack."""

    series: str
    meaning: str
    source: str
    title: str
    link: str
    caveat: str
    passed: tuple[str, ...] = ()
    """Sources that could be read instead, each with the reason why not."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One severity: when it fires, how fast, what keeps it silent, and how it ends."""

    severity: Severity
    fires: str
    overrides: tuple[tuple[str, str], ...]
    guards: tuple[str, ...]
    places: Mapping[str, str]
    """The numbers that stack.yaml sets, and where."""
    parts: tuple[timing.Part, ...]
    silenced: tuple[str, ...]
    ends: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One signal on one stack; of one that is off, the reason and what could be done."""

    signal: Signal
    off: DisabledSignal | None
    origins: tuple[Origin, ...] = ()
    levels: tuple[Level, ...] = ()
    recorded: tuple[Recording, ...] = ()
    test: str = ""
    witnesses: tuple[Witness, ...] = ()
    """On whose word it stands; () where one source says it."""
    possible: Mapping[str, str] = field(default_factory=dict)
    """By what its last label says, "" for all else: what its text then adds."""


def explain(signal: Signal, plan: Plan) -> Explanation:
    """The signal as this stack judges it."""
    if not plan.of(signal):
        return Explanation(signal=signal, off=next(off for off in plan.off if off.signal is signal))
    made = _groups(signal, plan)
    rules = [rule for group in made for rule in group.alerts if rule.alert.signal is signal]
    return Explanation(
        signal=signal,
        off=None,
        origins=tuple(_in_logs(signal, plan) if signal.log_count else _origins(signal, plan)),
        levels=tuple(_level(rule, plan) for rule in reversed(rules)),
        recorded=needed((rule.expr for rule in rules), [one for group in made for one in group.recordings], signal.id),
        witnesses=tuple(words.witnesses(signal, plan.site)),
        possible=signal.hints(plan.site),
        test="" if signal.log_count else f"prometheus/tests/{signal.id}.yml",
    )


def _groups(signal: Signal, plan: Plan) -> tuple[Group, ...]:
    """The rule groups among which those of the signal are; none when only CloudWatch judges it."""
    if not signal.log_count:
        return groups(plan)
    return (logs.group(plan),) if plan.has_loki else ()


def needed(exprs: Iterable[str], recordings: Iterable[Recording], signal_id: str) -> tuple[Recording, ...]:
    """The recording rules that the expressions read, and what those read, in the order they are evaluated."""
    ours = [r for r in recordings if r.record not in (OVERRIDE, THRESHOLD) or r.labels.get("signal") == signal_id]
    reads = {id(rule): set(_NAME.findall(rule.expr)) for rule in ours}
    wanted = {name for expr in exprs for name in _NAME.findall(expr)}
    while more := {n for rule in ours if rule.record in wanted for n in reads[id(rule)]} - wanted:
        wanted |= more
    return tuple(rule for rule in ours if rule.record in wanted)


def _origins(signal: Signal, plan: Plan) -> Iterator[Origin]:
    for series in signal.needs:
        chosen = plan.chosen[series.name]
        yield Origin(
            series=series.name,
            meaning=series.meaning,
            source=" and ".join(one.id for one in chosen.sources),
            title=" and ".join(one.title for one in chosen.sources),
            link=chosen.source.link,
            caveat=words.caveat(chosen),
            passed=tuple(f"{source.id}: {why}" for source, why in chosen.passed),
        )


def _in_logs(signal: Signal, plan: Plan) -> Iterator[Origin]:
    fields = signal.log_count.filter.fields if signal.log_count else ()
    conditions = " and ".join(f"{field.path} = {' or '.join(values)}" for field, values in fields)
    for shipper in judges(plan.spec):
        yield Origin(
            series="lines of the log",
            meaning=f"Those in which {conditions}." if conditions else "All of them.",
            source=shipper,
            title=shipper,
            link=JUDGES[shipper],
            caveat="",
        )


def _level(rule: Alerting, plan: Plan) -> Level:
    alert = rule.alert
    return Level(
        severity=alert.severity,
        fires=words.fires(alert),
        overrides=tuple((who, limit(value, alert.signal.unit)) for who, value in alert.overrides.items()),
        guards=tuple(words.with_nouns(alert.guards)),
        places=alert.places,
        parts=timing.parts(alert, plan),
        silenced=tuple(map(words.silenced, alert.silencers)),
        ends=_ends(alert, plan),
        expr=rule.expr if alert.signal.log_count else laid_out(rule.expr),
        labels=rule.labels,
        annotations=rule.annotations,
    )


def _ends(alert: Alert, plan: Plan) -> str:
    signal = alert.signal
    if signal.always:
        return "never: its silence is the alarm"
    if signal.log_count:
        within, window = promql.seconds(plan.site.evaluation), signal.log_count.window
        end = "a line has arrived" if window is None else f"the lines are older than {promql.seconds(window)}"
        text = f"within {within} after {end}"
    else:
        text = f"within {promql.seconds(plan.site.scrape + plan.site.every(signal))} after the value is good again"
    if lingers := timing.lingers(signal):
        text += f"; what is over counts for another {promql.seconds(lingers)}"
    return (
        f"{text}; then it keeps firing for {promql.seconds(alert.keep_firing_for)}" if alert.keep_firing_for else text
    )
