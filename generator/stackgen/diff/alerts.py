"""What changes in the alerts: which there are, thresholds, limits of queues and tasks, times, guards, silencers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from stackgen.diff.change import Change, differing, merged, worst_first
from stackgen.diff.plans import Plans, Record, inside, limit, listed, mapping

_MOST_OWN = 3
_TOLD = {"alert": "name", "bad_when": "is bad", "for": "for", "keep_firing_for": "keeps firing"}

Sides = tuple[Record | None, Record | None]


def changes(plans: Plans) -> list[Change]:
    """Every change, in the order of the alerts."""
    signals: dict[str, dict[str, Sides]] = defaultdict(dict)
    for _, old, new in plans.pairs("alerts"):
        record = new or old or {}
        signals[str(record.get("signal"))][str(record.get("severity"))] = (old, new)
    names = _names(signals)
    found = [one for signal, levels in signals.items() for one in _of_signal(names[signal], levels, plans)]
    moved = plans.moved("sources") | {names[s].partition(" ")[0] for s, levels in signals.items() if _moved(levels)}
    silenced = [one for s, levels in signals.items() for one in _silenced(names[s], levels, moved)]
    gone = [one for one in found if one.word.startswith("removed") and not one.cause]
    stay = [one for one in found if one not in gone]
    return [*stay, *merged(gone, "subjects"), *merged(silenced, "subjects")]


def _names(signals: Mapping[str, Mapping[str, Sides]]) -> dict[str, str]:
    """What each signal's alert is called; where two signals share the name, the signal is named too."""
    names = {
        signal: str(
            next(record for pair in levels.values() for record in reversed(pair) if record is not None).get("alert")
        )
        for signal, levels in signals.items()
    }
    shared = Counter(names.values())
    return {signal: f"{name} ({signal})" if shared[name] > 1 else name for signal, name in names.items()}


def _moved(levels: Mapping[str, Sides]) -> bool:
    return any((old is None) != (new is None) for old, new in levels.values())


def _of_signal(name: str, levels: Mapping[str, Sides], plans: Plans) -> Iterator[Change]:
    both = {level: (old, new) for level, (old, new) in levels.items() if old is not None and new is not None}
    before, after = ([pair[side] for pair in levels.values() if pair[side] is not None] for side in (0, 1))
    if not before or not after:
        yield _whole(name, [one for one in (*before, *after) if one is not None], plans, new=not before)
        return
    for level, (old, new) in levels.items():
        if level not in both:
            word = f"{'now' if new else 'no longer'} {'pages' if level == 'critical' else 'judged'}"
            word += f" ({_condition(new or old or {})})"
            yield Change(subjects=(name,), word=word, severities=worst_first([level]), named=True)
    found = [one for level in worst_first(both) for one in _values(name, level, *both[level], plans)]
    for one in merged(merged(found, "severities"), "whom"):
        levels_named = len(both) < 2 or set(one.severities) != set(both)
        yield replace(one, severities=worst_first(one.severities), named=levels_named)


def _whole(name: str, records: list[Record], plans: Plans, *, new: bool) -> Change:
    """All severities of a signal come or go; with a source that it is read from, where that does."""
    levels = worst_first(str(record.get("severity")) for record in records)
    told = ", ".join(f"{record.get('severity')} {_condition(record)}" for record in reversed(records))
    word = f"new alert{', pages' if 'critical' in levels else ''} ({told})" if new else "removed"
    reason = inside(plans.new, "off", str(records[0].get("signal"))).get("reason")
    if reason and not new:
        word += f": {reason}"
    sources = {source for record in records for source in listed(record.get("sources"))}
    shippers = set(listed(plans.old.get("shippers"))) ^ set(listed(plans.new.get("shippers")))
    causes = [f"log shipper {one}" for one in sorted(sources & shippers)]
    causes += [f"source {one}" for one in sorted(sources & plans.moved("sources"))]
    cause = causes[0] if causes else ""
    return Change(
        subjects=(name,), word=word, severities=levels, cause=cause, effects=(f"{name} ({told})",) if cause else ()
    )


def _condition(record: Record) -> str:
    """`above 5000 for 10m`, with some of the limits of single queues or tasks: `(priority 8000)`."""
    own = [f"{who} {limit(value, record.get('unit'))}" for who, value in mapping(record.get("overrides")).items()]
    more = f" and {len(own) - _MOST_OWN} more" if len(own) > _MOST_OWN else ""
    some = f" ({', '.join(own[:_MOST_OWN])}{more})" if own else ""
    return f"{record.get('condition')}{some}"


def _values(name: str, level: str, old: Record, new: Record, plans: Plans) -> Iterator[Change]:
    """What differs in an alert that stays."""
    limits = (limit(side.get("threshold"), side.get("unit")) for side in (old, new))
    yield from differing(name, "", *limits, severities=[level])
    yield from _own(name, level, old, new, plans)
    yield from _further(name, level, old, new)
    for key, told in _TOLD.items():
        yield from differing(name, told, old.get(key), new.get(key), severities=[level])
    guards = [mapping(side.get("guards")) for side in (old, new)]
    for key in dict.fromkeys((*guards[1], *guards[0])):
        yield from differing(name, key, *(side.get(key) for side in guards), severities=[level])


def _own(name: str, level: str, old: Record, new: Record, plans: Plans) -> Iterator[Change]:
    """Queues and tasks that are judged otherwise than before, by a limit of their own or by the default."""
    before, after = (mapping(side.get("overrides")) for side in (old, new))
    moved = plans.moved("queues") if "queue" in listed(new.get("by")) else set()
    for who in dict.fromkeys((*after, *before)):
        if before.get(who) == after.get(who):
            continue
        was = limit(before.get(who, old.get("threshold")), old.get("unit"))
        now = limit(after.get(who, new.get("threshold")), new.get("unit"))
        cause = f"queue {who}" if who in moved else ""
        effects = (f"{name} {level} {now}",) if cause and who in after else ()
        for one in differing(name, "", was, now, severities=[level]):
            yield replace(one, whom=(who,), cause=cause, effects=effects)


def _further(name: str, level: str, old: Record, new: Record) -> Iterator[Change]:
    """Other numbers of single queues and tasks."""
    before, after = (mapping(side.get("own")) for side in (old, new))
    for who in dict.fromkeys((*after, *before)):
        was, now = (mapping(side.get(who)) for side in (before, after))
        for key in dict.fromkeys((*now, *was)):
            for one in differing(name, key, was.get(key), now.get(key), severities=[level]):
                yield replace(one, whom=(who,))


def _silenced(name: str, levels: Mapping[str, Sides], moved: set[str]) -> Iterator[Change]:
    """Silencers that come and go by themselves, not with the alert that they are or a source that is read."""
    for old, new in levels.values():
        if old is not None and new is not None:
            follow = moved | (set(listed(old.get("sources"))) ^ set(listed(new.get("sources"))))
            before, after = (
                [one for one in listed(side.get("silenced_by")) if not follow.intersection(one.split())]
                for side in (old, new)
            )
            signs = [f"+{x}" for x in after if x not in before] + [f"−{x}" for x in before if x not in after]
            if signs:
                yield Change(subjects=(name,), aspect="silenced by", word=" ".join(signs))
