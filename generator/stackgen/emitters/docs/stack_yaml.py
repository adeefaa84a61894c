"""stack.md: every key of stack.yaml, every signal with its defaults, every source with what it can and cannot see."""

from __future__ import annotations

from functools import cache

from stackgen.catalog import promql, registry
from stackgen.catalog.signal import Severity, Signal
from stackgen.catalog.source import Reading, Source
from stackgen.emitters.docs.fields import Section, sections
from stackgen.resolve.words import comparison
from stackgen.spec.examples import EXAMPLES

_UNITS = {
    "tasks": "tasks",
    "workers": "workers",
    "ratio": "a share, written as percent",
    "seconds": "seconds, written as a duration",
    "per_second": "tasks per second",
    "count": "a number",
}


@cache
def context() -> dict[str, object]:
    """The same for every stack."""
    signals = registry.signals().values()
    return {
        "sections": [_section(one) for one in sections()],
        "signals": [_signal(one) for one in signals],
        "levels": [_level(one, severity) for one in signals for severity in one.levels],
        "sources": [_source(one) for one in sorted(registry.sources().values(), key=lambda one: one.always)],
    }


def _section(one: Section) -> dict[str, object]:
    """The first section of each top-level key has its example."""
    keys = (path.partition(".") for path in one.paths)
    whole = next((key.removesuffix("[]") for key, _, below in keys if below in ("", "<name>")), None)
    return {
        "title": one.paths[0] or "the whole file",
        "others": list(one.paths[1:]) or None,
        "meaning": one.meaning,
        "fields": [vars(key) for key in one.keys],
        "example": None if whole is None else EXAMPLES[whole],
    }


def _signal(signal: Signal) -> dict[str, object]:
    return {
        "id": signal.id,
        "title": signal.title,
        "alert": signal.alert,
        "unit": _UNITS[signal.unit],
        "by": ", ".join(signal.by) or "the whole stack",
        "overrides": f"each {signal.overrides}" if signal.overrides else "none",
        "least": ", ".join(f"{guard.setting} {guard.default}" for guard in signal.guards if guard.default) or "any",
    }


def _level(signal: Signal, severity: Severity) -> dict[str, object]:
    level = signal.levels[severity]
    number = f"{signal.bad_when} what stack.yaml says" if signal.limits_from else comparison(signal, level.threshold)
    return {
        "id": signal.id,
        "severity": severity,
        "threshold": number,
        "hold": promql.seconds(level.hold) if level.hold else "at once",
        "origin": level.source,
    }


def _source(source: Source) -> dict[str, object]:
    return {
        "id": source.id,
        "title": source.title,
        "link": source.link,
        "about": _about(source),
        "versions": ", ".join(source.versions) or None,
        "readings": [_reading(one) for one in source.readings] or None,
    }


def _about(source: Source) -> str:
    if source.always:
        return "Part of the stack: scraped whatever stack.yaml lists."
    if source.brought_by:
        return (
            "Scraped with the shipper alloy without being listed; list it to say where it is, and to miss it when down."
        )
    if source.broker:
        return f"Only for a broker of kind {source.broker}."
    if source.part:
        return f"One target for each {source.part}; celery_monitoring.py beside the application serves it."
    return "For any broker."


def _reading(reading: Reading) -> dict[str, object]:
    since = dict.fromkeys(f"from version {metric.since}" for metric in reading.uses if metric.since)
    limits = [*since, *(f"not used: {reason}" for reason in reading.spoiled_by.values())]
    return {
        "series": reading.series.name,
        "meaning": reading.series.meaning,
        "caveat": reading.inaccuracy or "–",
        "limits": "; ".join(limits) or "–",
    }
