"""An explanation as a person reads it, and as a program does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from stackgen.catalog import facts, promql
from stackgen.catalog.witness import Witness
from stackgen.explain import timing
from stackgen.explain.about import Explanation, Level
from stackgen.explain.listing import state
from stackgen.resolve.words import amount
from stackgen.rules.model import Recording
from stackgen.rules.plain import laid_out

WIDTH = 100
_MOST = 20
"""More overrides than this are counted, not listed."""


def text(one: Explanation, width: int = WIDTH) -> str:
    """The whole explanation, wrapped but for PromQL; nothing in it can move a terminal's cursor."""
    return "".join(f"{part}\n" for line in _lines(one) for part in _narrowed(safe(line.rstrip()), width))


def _narrowed(line: str, width: int) -> list[str]:
    """A line that is too long, in several, the later ones as deep as its words stand; PromQL as it is."""
    if len(line) <= width or (line.startswith(" " * 6) and not line.startswith(" " * 9)):
        return [line]
    depth = re.match(r" *(?:\w+ {2,})?", line)
    return wrap(line, max(width, 40), subsequent_indent=" " * len(depth[0] if depth else ""), break_on_hyphens=False,
                break_long_words=False, drop_whitespace=True) or [line]  # fmt: skip


def _lines(one: Explanation) -> list[str]:
    signal = one.signal
    lines = [f"{signal.title} · {signal.id} · {signal.alert}", *_wrapped(signal.meaning), ""]
    lines += [f"State    {state(one.off)}"]
    if one.off:
        lines += [f"         {one.off.hint}"] if one.off.hint else []
        for severity, level in reversed(list(signal.levels.items())):
            size = f"{signal.bad_when} {amount(level.threshold, signal.unit)}"
            lines.append(f"         by default {severity} {size}, for {promql.seconds(level.hold)}")
    else:
        lines += [
            *_origins(one),
            *_witnesses(one),
            *_possible(one),
            *(line for level in one.levels for line in _level(level)),
            *_rules(one),
        ]
    lines += ["", *_wrapped(signal.action, "First    "), *_wrapped("; ".join(signal.causes), "Causes   ")]
    return lines


def safe(line: str) -> str:
    """The line without what is not printable; names of queues and tasks may hold anything."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def safe_lines(text: str) -> str:
    """The same of several lines."""
    return "".join(f"{safe(line)}\n" for line in text.split("\n")[:-1])


def _wrapped(words: str, first: str = "", rest: str = "") -> list[str]:
    return wrap(
        words,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest or " " * len(first),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _origins(one: Explanation) -> Iterator[str]:
    heading = "Source   "
    for origin in one.origins:
        yield f"{heading}{origin.series} from {origin.source} ({origin.link})"
        heading = " " * len(heading)
        yield from _wrapped(origin.meaning, heading)
        if origin.caveat:
            yield from _wrapped(f"Mind: {origin.caveat}", heading)
        for passed in origin.passed:
            yield from _wrapped(f"Rather than {passed}.", heading)


def _witnesses(one: Explanation) -> Iterator[str]:
    """Of each fact who tells it; then by what, what each word of theirs means, and how late it is."""
    heading, indent = "Word of  ", " " * 9
    for fact in dict.fromkeys(facts.FACTS[witness.fact] for witness in one.witnesses):
        said = [witness for witness in one.witnesses if witness.fact == fact.name]
        names = ", ".join(witness.name for witness in said)
        yield from _wrapped(f"{names}, that {fact.title}. {_believed(fact, said)}", heading, indent)
        heading = indent
        for witness in said:
            yield f"{indent}  {witness.name}, by the source {witness.source}"
            words = {"yes": witness.yes, "no": witness.no or "never", "silent": witness.silence, "late": witness.late}
            for word, meaning in words.items():
                yield from _wrapped(f"{word:<7} {meaning}", f"{indent}    ", " " * 21)


def _believed(fact: facts.Fact, said: Sequence[Witness]) -> str:
    if len(said) < 2:
        return "Nobody else can tell."
    if fact.either:
        return "While one says yes and one no, nothing is known."
    return "One yes is enough; no is believed when all that are heard say it."


def _possible(one: Explanation) -> Iterator[str]:
    """What the alert can be about, where that is a list, each with what its text then adds."""
    heading = "About    "
    for name, hint in list(one.possible.items())[:_MOST]:
        yield from _wrapped(f"{name or 'anything else'}: {hint}", heading, " " * 11)
        heading = " " * len(heading)


def _level(level: Level) -> Iterator[str]:
    yield ""
    yield from _wrapped(f"fires {level.fires}", f"{level.severity:<9}")
    indent = " " * 9
    if level.overrides:
        listed = ", ".join(f"{who} {size}" for who, size in level.overrides[:_MOST])
        more = len(level.overrides) - _MOST
        listed += f" and {more} more" if more > 0 else ""
        yield from _wrapped(f"except  {listed}", indent, indent + " " * 8)
    if level.guards:
        yield from _wrapped(f"only    with at least {' and '.join(level.guards)}", indent, indent + " " * 8)
    places = [f"{name} at {place}" for name, place in level.places.items()]
    if len(places) > _MOST:
        places[_MOST:] = [f"and {len(places) - _MOST} more"]
    for word, place in zip(("set", *[""] * _MOST), places, strict=False):
        yield from _wrapped(f"{word:<8}{place}", indent, indent + " " * 8)
    if level.parts:
        yield from _wrapped(f"after   {in_time(level.parts)}", indent, indent + " " * 8)
    for word, silenced in zip(("silent ", *[" " * 7] * len(level.silenced)), level.silenced, strict=False):
        yield from _wrapped(f"{word} {silenced}", indent, indent + " " * 8)
    yield from _wrapped(f"ends    {level.ends}", indent, indent + " " * 8)


def in_time(parts: Sequence[timing.Part]) -> str:
    """`about 11m when all turns bad at once: 30s scrape + 30s evaluation + 10m for`."""
    listed = " + ".join(f"{promql.seconds(round(part.seconds))} {part.why}" for part in parts)
    return f"about {promql.seconds(timing.total(tuple(parts)))} when all turns bad at once: {listed}"


def _rules(one: Explanation) -> Iterator[str]:
    if one.test:
        yield from ("", "Recorded, in this order" if one.recorded else "Nothing is recorded for it")
    shown, hidden = _first(one.recorded)
    for rule in shown:
        yield f"  {rule.record}{_braces(rule.labels.items())}"
        yield from (f"      {line}" for line in laid_out(rule.expr).splitlines())
    if hidden:
        yield f"  and {hidden} more thresholds of its own queues or tasks"
    for level in one.levels:
        yield from ("", f"Alert {one.signal.alert}, {level.severity}")
        yield from (f"      {line}" for line in level.expr.splitlines())
        yield f"  labels  {', '.join(f'{name}={value}' for name, value in level.labels.items())}"
        for name, value in level.annotations.items():
            yield from _wrapped(f"{name}: {value}", "  ", "    ")
    if one.test:
        yield from ("", f"Tests    {one.test}")


def _first(recorded: Iterable[Recording]) -> tuple[list[Recording], int]:
    """All but the many thresholds of single queues or tasks, and how many are left out."""
    shown: list[Recording] = []
    own = 0
    for rule in recorded:
        own += rule.record.endswith("_override")
        if own <= _MOST or not rule.record.endswith("_override"):
            shown.append(rule)
    return shown, max(0, own - _MOST)


def _braces(labels: Iterable[tuple[str, str]]) -> str:
    inside = ", ".join(promql.exactly(dict(labels)))
    return f"{{{inside}}}" if inside else ""


def as_json(one: Explanation) -> dict[str, object]:
    """The same as data."""
    signal = one.signal
    return {
        "id": signal.id,
        "alert": signal.alert,
        "title": signal.title,
        "meaning": signal.meaning,
        "state": "off" if one.off else "on",
        "reason": one.off.reason if one.off else "",
        "hint": one.off.hint if one.off else "",
        "sources": [vars(origin) for origin in one.origins],
        "witnesses": [
            {"name": w.name, "source": w.source, "yes": w.yes, "no": w.no, "silence": w.silence, "late": w.late}
            for w in one.witnesses
        ],
        "possible": dict(one.possible),
        "severities": {level.severity: _level_json(level) for level in one.levels},
        "recorded": [
            {"record": rule.record, "labels": dict(rule.labels), "expr": laid_out(rule.expr)} for rule in one.recorded
        ],
        "action": signal.action,
        "causes": list(signal.causes),
        "test": one.test,
    }


def _level_json(level: Level) -> dict[str, object]:
    return {
        "fires": level.fires,
        "overrides": dict(level.overrides),
        "guards": list(level.guards),
        "places": dict(level.places),
        "seconds_to_fire": float(timing.total(level.parts)),
        "parts": [{"seconds": float(part.seconds), "why": part.why} for part in level.parts],
        "silenced_by": list(level.silenced),
        "ends": level.ends,
        "expr": level.expr,
        "labels": dict(level.labels),
        "annotations": dict(level.annotations),
    }
