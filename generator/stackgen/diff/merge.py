"""Equal changes become one line: of all severities of an alert, of all alerts that share a cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from stackgen.diff.fact import Change

RANKS = ("critical", "warning", "info")
_SHARED = ("owner", "expression", "runbook_url", "dashboard_url")
_MOST_TEXTS = 5
"""More alerts than this whose text changed are one line."""


def merged(changes: Iterable[Change], alerts: Mapping[str, tuple[str, ...]]) -> list[Change]:
    """The lines to tell, what wakes people first. `alerts` has the severities of each alert that stays."""
    one = [_of_alert(change, alerts) for change in _by_severity(changes)]
    texts = [change for change in one if change.kind == "text"]
    many = {id(change) for change in texts} if len(texts) > _MOST_TEXTS else set()
    two = _by_subject(one, many, len(alerts))
    return sorted(two, key=lambda change: (_rank(change), _weight(change)))


def _joined(changes: list[Change]) -> Change:
    """The first change, for the subjects and severities of all."""
    first = changes[0]
    return replace(
        first,
        subjects=tuple(dict.fromkeys(s for c in changes for s in c.subjects)),
        severities=tuple(sorted({s for c in changes for s in c.severities}, key=_place)),
        files=tuple(dict.fromkeys(path for c in changes for path in c.files)),
    )


def _groups(changes: Iterable[Change], key: Mapping[int, object]) -> list[list[Change]]:
    found: dict[object, list[Change]] = {}
    for change in changes:
        found.setdefault(key[id(change)], []).append(change)
    return list(found.values())


def _by_severity(changes: Iterable[Change]) -> list[Change]:
    listed = list(changes)
    keys: dict[int, object] = {}
    for change in listed:
        # A new or removed alert is one line with all its severities; a text that differs is not told in detail.
        same = (change.kind, change.before is None, change.after is None)
        told = same if change.kind in ("presence", "text") else (*same, change.before, change.after)
        keys[id(change)] = (change.subjects, change.aspect, told)
    return [_as_one(group) for group in _groups(listed, keys)]


def _as_one(group: list[Change]) -> Change:
    whole = _joined(group)
    if group[0].kind != "presence" or not whole.severities:
        return whole
    ordered = sorted(group, key=lambda c: _place(c.severities[0]) if c.severities else 0)
    before, after = (
        ", ".join(f"{c.severities[0]} {text}" for c in ordered if (text := getattr(c, side)) is not None) or None
        for side in ("before", "after")
    )
    return replace(whole, before=before, after=after)


def _of_alert(change: Change, alerts: Mapping[str, tuple[str, ...]]) -> Change:
    has = alerts.get(change.subjects[0].partition("[")[0], ())
    if change.kind == "presence":
        return replace(change, named=bool(has))  # without any severity that stays, the alert itself is new
    return replace(change, named=change.kind != "text" and (len(has) < 2 or set(has) != set(change.severities)))


def _by_subject(changes: list[Change], texts: set[int], alerts: int) -> list[Change]:
    keys: dict[int, object] = {}
    for change in changes:
        shared = change.aspect in _SHARED or change.aspect.startswith("label ")
        if id(change) in texts:
            keys[id(change)] = "texts"
        elif change.group and change.kind == "expression":
            keys[id(change)] = (change.before, change.after)
        elif change.group and (shared or (change.group == "series" and change.kind == "presence")):
            keys[id(change)] = (change.group, change.aspect, change.before, change.after)
        else:
            keys[id(change)] = id(change)
    return [_of_all(group, alerts) for group in _groups(changes, keys)]


def _of_all(group: list[Change], alerts: int) -> Change:
    if len(group) == 1:
        return group[0]
    whole = _joined(sorted(group, key=lambda change: change.group))  # alerts before recorded series
    every = {c.group for c in group} == {"alert"} and len(whole.subjects) == alerts
    return replace(whole, named=False, all_of_group=every)


def _place(severity: str) -> int:
    return RANKS.index(severity) if severity in RANKS else len(RANKS)


def _rank(change: Change) -> int:
    """Texts and links wake nobody."""
    if change.kind == "text" or change.aspect.endswith("_url") or not change.severities:
        return len(RANKS) + 1
    return min(map(_place, change.severities))


def _weight(change: Change) -> int:
    """Within a severity: what comes and goes, then what is judged, then the rest; of the rest, texts last."""
    if change.kind == "presence":
        return 0
    return {"expression": 2, "text": 4, "lines": 5}.get(change.kind, 1)
