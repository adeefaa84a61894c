"""What changes beside the alerts: who is told, what is watched and scraped, and the settings of every other section."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stackgen.diff.change import RANKS, Change, differing, merged, worst_first
from stackgen.diff.plans import Plans, Record, flat, inside, listed, mapping, shown

_RECORDS = (
    (("routes", "queues"), "route of queue", RANKS),
    (("routes", "owners"), "route of owner", RANKS),
    (("mute_times",), "mute time", ()),
    (("receivers",), "receiver", ()),
    (("sources",), "source", ("version", "job", "targets", "path")),
    (("queues",), "queue", ("role",)),
)
"""Things with a name: where they stand, what they are called, and the keys that are told, where not all are."""
_SECTIONS = ("celery", "prometheus", "ignore", "links", "flower", "app", "logs", "compose", "kubernetes", "versions")

Found = Iterator[Change]


def changes(plans: Plans) -> list[Change]:
    """Every change, in the order in which they are told."""
    return [
        *_routes(plans),
        *_records(plans),
        *_shippers(plans),
        *_groups(plans),
        *merged(_series(plans), "subjects"),
        *_owners(plans),
        *_sections(plans),
    ]


def _routes(plans: Plans) -> Found:
    """Receivers and timing of all alerts of a severity; queues and owners follow them."""
    yield from _by_severity("receiver", *(inside(plan, "routes", "default") for plan in plans))
    timing = [inside(plan, "timing") for plan in plans]
    for key in dict.fromkeys(key for side in timing for pace in side.values() for key in mapping(pace)):
        yield from _by_severity(key, *({s: mapping(pace).get(key) for s, pace in side.items()} for side in timing))
    always = (one.get("alert") for one in inside(plans.new, "alerts").values() if one.get("condition") == "always")
    old, new = (inside(plan, "routes").get("watchdog") for plan in plans)
    yield from differing(f"route of {next(always, 'the watchdog')}", "receiver", old, new, severities=["critical"])


def _by_severity(aspect: str, old: Record, new: Record) -> Found:
    """One line for severities that change in the same way."""
    pairs = [(level, old.get(level), new.get(level)) for level in RANKS]
    found = [one for level, *pair in pairs for one in differing("route", aspect, *pair, severities=[level])]
    for one in merged(found, "severities"):
        yield replace(one, subjects=(f"route of {' and '.join(one.severities)} alerts",))


def _records(plans: Plans) -> Found:
    for path, noun, keys in _RECORDS:
        for name, old, new in plans.pairs(*path):
            subject, record = f"{noun} {name}", new or old or {}
            levels = worst_first(record if keys == RANKS else listed(record.get("severities")))
            if (old is None or new is None) and record.get("brought_by"):
                continue  # it follows the log shipper, which is told
            if old is None or new is None:
                word = f"new{_details(record, noun, plans)}" if old is None else "removed"
                yield Change(subjects=(subject,), word=word, severities=levels)
                continue
            before, after = dict(flat(old)), dict(flat(new))
            for key in dict.fromkeys((*after, *before)):
                pair = before.get(key), after.get(key)
                if not (keys == RANKS and pair in _followed(plans, path[-1], name, key)) and (not keys or key in keys):
                    yield from differing(subject, key, *pair, severities=[key] if key in RANKS else levels)


def _followed(plans: Plans, section: str, name: str, severity: str) -> list[tuple[object, object]]:
    """How the receiver of all alerts changes and, for a queue, that of its owner: a route that does so follows it."""
    places: list[list[tuple[str, ...]]] = [[("routes", "default")] * 2]
    if section == "queues":
        owners = (str(inside(plan, "queues", name).get("owner")) for plan in plans)
        places.append([("routes", "owners", owner) for owner in owners])
    return [(inside(plans.old, *old).get(severity), inside(plans.new, *new).get(severity)) for old, new in places]


def _details(record: Record, noun: str, plans: Plans) -> str:
    """What is worth to know of a new one, in brackets."""
    match noun:
        case "receiver":
            told = list(record)
        case "source":
            told = [one for one in (record.get("version"), *listed(record.get("targets"))) if one]
        case "queue":
            usual = (("role", "normal"), ("owner", inside(plans.new, "stack").get("owner")))
            told = [f"{key} {record.get(key)}" for key, value in usual if record.get(key) != value]
        case "mute time":
            told = [str(shown(value)) for value in record.values() if value is not None]
        case _:
            told = [f"{severity} alerts: {receiver}" for severity, receiver in record.items()]
    return f" ({', '.join(told)})" if told else ""


def _shippers(plans: Plans) -> Found:
    old, new = (listed(plan.get("shippers")) for plan in plans)
    for name in dict.fromkeys((*new, *old)):
        if (name in old) != (name in new):
            yield Change(subjects=(f"log shipper {name}",), word="new" if name in new else "removed")


def _groups(plans: Plans) -> Found:
    """How often a group of rules is evaluated that was there before; others come and go with their rules."""
    old, new = (inside(plan, "groups") for plan in plans)
    for name in new:
        if name in old:
            yield from differing(f"rule group {name}", "evaluated every", old[name], new[name])


def _series(plans: Plans) -> Found:
    """Recorded series that another source gives, although neither source comes or goes."""
    moved = plans.moved("sources")
    for name, old, new in plans.pairs("series"):
        sides = [side.get("source") for side in (old, new) if side is not None]
        if len(sides) == 2 and not moved.intersection(map(str, sides)):
            yield from differing(f"recorded series {name}", "source", *sides)


def _owners(plans: Plans) -> Found:
    """Owner and labels of all alerts, then owners of single queues and tasks that do not follow."""
    old, new = (dict(flat(inside(plan, "stack"))) for plan in plans)
    for key in dict.fromkeys((*new, *old)):
        label = {"owner": "owner", "name": "label stack"}.get(key, f"label {key.removeprefix('labels.')}")
        yield from differing("every alert", label, old.get(key), new.get(key))
    default = old.get("owner"), new.get("owner")
    for section, noun in (("queues", "queue"), ("tasks", "task")):
        for name, before, after in plans.pairs(section):
            if section == "queues" and (before is None or after is None):
                continue
            sides = zip((before, after), default, strict=True)
            owners = tuple(side.get("owner") if side else usual for side, usual in sides)
            if owners != default:
                yield from differing(f"{noun} {name}", "owner", *owners)


def _sections(plans: Plans) -> Found:
    """Settings that are told by their place in stack.yaml. A section that comes or goes is told by what it brings."""
    for section in _SECTIONS:
        old, new = (plan.get(section) for plan in plans)
        if isinstance(old, dict) and isinstance(new, dict):
            before, after = dict(flat(old, section)), dict(flat(new, section))
            for path in dict.fromkeys((*after, *before)):
                if path != "logs.shippers":
                    yield from differing(path, "", before.get(path), after.get(path))
    yield from differing("outputs", "", *(plan.get("outputs") for plan in plans))
