"""Rules about signals and their thresholds in stack.yaml: known, right unit, possible, in order."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from stackgen.catalog.series import limit
from stackgen.catalog.signal import SEVERITIES, Severity, Signal
from stackgen.document import Trail, shown
from stackgen.spec.bound import UNWRITTEN, bound, own
from stackgen.spec.checks import Fault, nearest
from stackgen.spec.model import StackSpec, ThresholdSpec
from stackgen.spec.scalars import Kind, Quantity

_NOUN = {
    "tasks": "a number of tasks",
    "workers": "a number of workers",
    "count": "a number",
    "ratio": "a share such as 5% or 0.05",
    "seconds": "a duration such as 90s or 10m",
    "per_second": "a rate such as 10/s",
}
_WITH_UNIT = {"seconds": "{0}s or {0}m", "per_second": "{}/s"}
_KIND: dict[str, Kind] = {"ratio": "ratio", "seconds": "seconds", "per_second": "per_second"}


Signals = Mapping[str, Signal]


class _Effective(NamedTuple):
    """The threshold that counts for one severity, and where the user set it at this level, if so."""

    value: Fraction
    hold: Fraction
    text: str
    path: Trail | None
    held: bool
    """Whether this severity differs from the others in how long it must last, by the user's or the catalogue's will."""


def expected(signal: Signal) -> str:
    """What a threshold of this signal looks like: `a number of tasks above 0`."""
    noun = _NOUN.get(signal.unit, "a number")
    if signal.unit in _KIND:
        return noun
    return noun if _zero_fits(signal) else f"{noun} above 0"


def check(spec: StackSpec, signals: Signals) -> Iterator[Fault]:
    """Every broken rule that concerns a signal."""
    wrong: set[str] = set()
    for name, judged in spec.thresholds.items():
        path = ("thresholds", name)
        if name not in signals:
            yield _unknown(path, signals)
            continue
        yield from _guards(path, signals[name], judged)
        limits: dict[Trail, Quantity | None] = {
            (*path, s, "threshold"): chosen.threshold for s in SEVERITIES if (chosen := judged.severity(s))
        }
        faults = _numbers(signals[name], limits)
        wrong |= {name for _ in faults}
        yield from faults or _order(signals[name], _effective(path, signals[name], judged, None))
    for queue, settings in spec.queues.items():
        yield from _overrides(spec, signals, wrong, ("queues", queue), settings.thresholds)
    for task, wishes in spec.tasks.items():
        yield from _overrides(spec, signals, wrong, ("tasks", task), wishes.thresholds)


def _unknown(path: Trail, signals: Signals) -> Fault:
    name = str(path[-1])
    called = next((signal.id for signal in signals.values() if signal.alert == name), None)
    meant = f"that is the alert of {shown(called)};" if called else nearest(name, signals)
    hint = f"{meant} `stackgen list` shows all".strip()
    return Fault(path, "unknown-signal", f"no signal named {shown(name)}", hint, at_key=True)


def _overrides(
    spec: StackSpec, signals: Signals, wrong: Container[str], owner: Trail, overrides: Mapping[str, ThresholdSpec]
) -> Iterator[Fault]:
    kind = "queue" if owner[0] == "queues" else "task"
    for name, override in overrides.items():
        path = (*owner, "thresholds", name)
        if name not in signals:
            yield _unknown(path, signals)
        elif signals[name].overrides != kind:
            other = f", or for one {signals[name].overrides}" if signals[name].overrides else ""
            hint = f"set it for the whole stack, under thresholds.{name}{other}"
            yield Fault(
                path, "no-override", f"the signal {shown(name)} is not measured for each {kind}", hint, at_key=True
            )
        elif kind == "queue" and (fault := _never_judged(spec, signals[name], path)):
            yield fault
        else:
            yield from _guards(path, signals[name], override)
            faults = _numbers(signals[name], {(*path, severity): _of(override, severity) for severity in SEVERITIES})
            yield from faults
            if not faults and name not in wrong:
                judged = spec.thresholds.get(name, UNWRITTEN)
                yield from _order(signals[name], _effective(path, signals[name], judged, override))


def _never_judged(spec: StackSpec, signal: Signal, path: Trail) -> Fault | None:
    """A threshold of a queue that the signal leaves alone because of its role."""
    dead = spec.queues[str(path[1])].role == "dead_letter"
    if dead and signal.skips_dead_letters:
        reason, hint = f"the signal {shown(signal.id)} never judges a dead letter queue", "use dead_letter_length"
    elif not dead and signal.only_dead_letters:
        reason = f"the signal {shown(signal.id)} judges dead letter queues only"
        hint = "give the queue the role dead_letter, or use queue_length"
    else:
        return None
    return Fault(path, "dead-letter", reason, hint, True, ("queues", path[1], "role"))


def _of(override: ThresholdSpec, severity: Severity) -> Quantity | None:
    chosen = override.severity(severity)
    return chosen.threshold if chosen else None


def _guards(path: Trail, signal: Signal, judged: ThresholdSpec) -> Iterator[Fault]:
    guards = {
        "min_tasks": (judged.min_tasks, signal.min_tasks),
        "min_failures": (judged.min_failures, signal.min_failures),
    }
    for key, (wanted, default) in guards.items():
        if wanted is not None and default is None:
            has = [name for name, (_, given) in guards.items() if given is not None]
            hint = f"it has {has[0]}" if has else "remove it"
            yield Fault((*path, key), "no-guard", f"the signal {shown(str(path[-1]))} has no {key}", hint, at_key=True)


def _zero_fits(signal: Signal) -> bool:
    """Whether 0 is a sensible threshold: it is when the catalogue itself has it, as for dead letters."""
    return any(level.threshold == 0 for level in signal.levels.values())


def _numbers(signal: Signal, numbers: Mapping[Trail, Quantity | None]) -> list[Fault]:
    return [fault for path, number in numbers.items() if number for fault in _number(path, signal, number)]


def _number(path: Trail, signal: Signal, number: Quantity) -> Iterator[Fault]:
    wanted = f"expected {expected(signal)}, got {number.text}"
    kinds = {_KIND.get(signal.unit, "number"), *(["number"] if signal.unit == "ratio" else [])}
    if number.kind not in kinds:
        bare = number.kind == "number" and _WITH_UNIT.get(signal.unit, "").format(number.text)
        yield Fault(path, "wrong-unit", wanted, f"write the unit: {bare}" if bare else "")
    elif signal.unit == "ratio" and number.value > 1:
        hint = f"write {number.text}%" if number.kind == "number" and number.value <= 100 else "a share is at most 100%"
        yield Fault(path, "threshold-range", wanted, hint)
    elif number.value == 0 and not _zero_fits(signal):
        always = "it would always fire" if signal.bad_when == "above" else "it could never fire"
        hint = f"with 0 {always}; `never` switches a severity off, `enabled: false` the whole signal"
        yield Fault(path, "threshold-range", wanted, hint)


def _effective(
    path: Trail, signal: Signal, judged: ThresholdSpec, override: ThresholdSpec | None
) -> dict[Severity, _Effective]:
    found: dict[Severity, _Effective] = {}
    for severity in SEVERITIES if judged.enabled else ():
        chosen, mine = judged.severity(severity), _of(override, severity) if override else None
        merged = bound(signal.levels, severity, judged, listed=mine is not None)
        if merged and override:
            merged = own(merged, override, severity)
        if merged is None:
            continue
        default = signal.levels.get(severity)
        held = merged.written.get("for") == (severity, "for") or (
            default is not None and [level.threshold for level in signal.levels.values()].count(default.threshold) > 1
        )
        stated = mine or (chosen.threshold if chosen else None)
        if stated is not None:
            here = (*path, severity) if mine else (*path, severity, "threshold")
            place = here if mine or override is None else None
            found[severity] = _Effective(Fraction(stated.value), merged.hold, stated.text, place, held)
        elif merged.value is not None:
            text = limit(merged.value, signal.unit)
            found[severity] = _Effective(merged.value, merged.hold, text, None, held)
    return found


def _order(signal: Signal, found: dict[Severity, _Effective]) -> Iterator[Fault]:
    names = [severity for severity in SEVERITIES if severity in found]
    for mild, severe in pairwise(names):
        a, b = found[mild], found[severe]
        path = b.path or a.path
        worse = b.value > a.value if signal.bad_when == "above" else b.value < a.value
        if path is None or worse or (a.value == b.value and b.hold > a.hold and (a.held or b.held)):
            continue
        message = f"{severe} ({b.text}) must be {signal.bad_when} {mild} ({a.text})"
        defaults = [s for s in (mild, severe) if found[s].path is None]
        hint = f"the {defaults[0]} threshold is not set here; set both" if defaults else "exchange the two"
        if a.value == b.value:
            hint = f"{severe} mutes {mild}, which nobody would ever see; for one severity alone set the other to never"
        yield Fault(path, "severity-order", message, hint, other=(a.path or ()) if path is b.path else ())
