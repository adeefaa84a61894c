"""Two trees to the list of changes: the facts that differ, without those that only follow from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from fractions import Fraction

from stackgen.catalog.site import Site
from stackgen.diff import files
from stackgen.diff.expression import pieces
from stackgen.diff.fact import Change, Difference, Fact, Facts, Key
from stackgen.diff.merge import merged
from stackgen.diff.read import Unreadable

_WITH_ALERTS = ("prometheus/", "logs/loki/rules/")

Tree = Mapping[str, str | None]
"""Text by path; None for what is no text."""


def compare(old: Tree, new: Tree) -> Difference:
    """What changes on the way from one tree to the other."""
    touched = {path for path in {*old, *new} if old.get(path) != new.get(path) or (path in old) != (path in new)}
    if not touched:
        return Difference((), ())
    read = [_read(tree, touched) for tree in (old, new)]
    faulty = {path for _, faults in read for path in faults}
    before, after = (_side({p: found for p, found in facts.items() if p not in faulty}) for facts, _ in read)
    raw = [change for key in _in_order(before, after) if (change := _change(key, before, after))]
    told = (_unreadable(path, *(faults for _, faults in read)) for path in sorted(faulty))
    found = [*merged(raw, _alerts(before, after)), *told]
    named = {path for change in found for path in change.files}
    return Difference(tuple(found), tuple(sorted(touched - named)))


Found = list[tuple[Key, Fact]]


@dataclass(frozen=True)
class _Side:
    """The facts of one tree."""

    facts: Facts
    subjects: frozenset[str]
    """Subjects that are there at all."""

    def has(self, whole: Key) -> bool:
        """Whether a subject is there, or the one severity of it."""
        return whole in self.facts if whole.severity else whole.subject in self.subjects


def _read(tree: Tree, touched: Set[str]) -> tuple[dict[str, Found], dict[str, str]]:
    """By path the facts, and what is wrong with files that cannot be read.

    Of files that stay, only those with rules: which alerts there are decides what is new.
    """
    found: dict[str, Found] = {}
    faults: dict[str, str] = {}
    for path in sorted(tree):
        if path in touched or path.startswith(_WITH_ALERTS):
            text = tree[path]
            try:
                found[path] = list(files.reader(path)(path, text)) if text is not None else []
            except Unreadable as error:
                faults[path] = str(error)
            if text is None:
                faults[path] = "not plain text"
    return found, faults


def _unreadable(path: str, before: Mapping[str, str], after: Mapping[str, str]) -> Change:
    old, new = (faults.get(path, "another text") for faults in (before, after))
    return Change(
        subjects=(path,), severities=(), aspect="contents", before=old, after=new, kind="value", files=(path,)
    )


def _side(found: Mapping[str, Found]) -> _Side:
    facts: dict[Key, Fact] = {}
    for listed in found.values():
        for key, fact in listed:
            _add(facts, key, fact)
    return _Side(facts, frozenset(key.subject for key, fact in facts.items() if fact.kind == "presence"))


def _add(facts: dict[Key, Fact], key: Key, fact: Fact) -> None:
    known = facts.get(key)
    if known is None:
        facts[key] = fact
    elif known.value == fact.value:
        facts[key] = replace(known, files=tuple(dict.fromkeys((*known.files, *fact.files))))
    else:  # two rules of one name: told apart by their number
        number = 2
        while Key(f"{key.subject} #{number}", key.severity, key.aspect) in facts:
            number += 1
        facts[Key(f"{key.subject} #{number}", key.severity, key.aspect)] = fact


def _in_order(before: _Side, after: _Side) -> Iterator[Key]:
    yield from dict.fromkeys((*after.facts, *before.facts))


def _change(key: Key, before: _Side, after: _Side) -> Change | None:
    old, new = _held(key, before, after), _held(key, after, before)
    fact = before.facts.get(key) or after.facts[key]
    old_value = old.value if old else None
    new_value = new.value if new else None
    there = (old is None) == (new is None)
    if there and (old_value == new_value or fact.kind == "presence"):
        return None
    if (fact.kind != "presence" and _comes_or_goes(key, before, after)) or _follows(key, fact, before, after):
        return None
    if old and new and fact.kind in ("expression", "text"):
        rest = _unexplained(key, old, new, before, after)
        if not rest:
            return None
        old_value, new_value = (" … ".join(side) for side in zip(*rest, strict=True))
    if fact.hidden:
        old_value, new_value = (None if v is None else "(not shown)" for v in (old_value, new_value))
    seen = (side.facts[key].files for side in (before, after) if key in side.facts)
    return Change(
        subjects=(key.subject,),
        severities=(key.severity,) if key.severity else (),
        aspect=key.aspect,
        before=old_value,
        after=new_value,
        kind=fact.kind,
        files=tuple(dict.fromkeys(path for paths in seen for path in paths)),
        group=fact.group,
    )


def _held(key: Key, side: _Side, other: _Side) -> Fact | None:
    """The fact, or what holds where it is absent."""
    if key in side.facts:
        return side.facts[key]
    fallback = other.facts[key].fallback
    return side.facts.get(fallback) if fallback else None


def _comes_or_goes(key: Key, before: _Side, after: _Side) -> bool:
    """Whether the whole subject, or this severity of it, is told as new or removed."""
    whole = Key(key.subject, key.severity, "")
    return (whole in before.facts) != (whole in after.facts)


def _follows(key: Key, fact: Fact, before: _Side, after: _Side) -> bool:
    wholes = (*fact.joins, Key(fact.follows, "", "")) if fact.follows else fact.joins
    if any(before.has(whole) != after.has(whole) for whole in wholes):
        return True
    if fact.fallback and _comes_or_goes(fact.fallback, before, after):
        return True
    side = before if key not in before.facts else after if key not in after.facts else None
    return side is not None and _implied(key, fact, side)


def _implied(key: Key, fact: Fact, side: _Side) -> bool:
    """Whether a guard is missing only because the others are at least as strict (Judged.guards)."""
    if fact.number is None:
        return False
    if key.aspect == "min_tasks":
        other = side.facts.get(key._replace(aspect="min_failures"))
        return other is not None and (other.number or 0) >= fact.number
    tasks = side.facts.get(key._replace(aspect="min_tasks"))
    default = key._replace(aspect="threshold")
    limits = [f.number for k, f in side.facts.items() if default in (k, f.fallback)]
    if key.aspect != "min_failures" or tasks is None or tasks.number is None or not limits:
        return False
    return all(limit is not None and limit * tasks.number >= fact.number for limit in limits)


def _unexplained(key: Key, old: Fact, new: Fact, before: _Side, after: _Side) -> list[tuple[str, str]]:
    """Where texts differ, without what another line tells: the threshold, the range that bridges missed scrapes."""
    explained = {(_bridge(before), _bridge(after))}
    limits = [side.facts.get(key._replace(aspect="threshold")) for side in (before, after)]
    if limits[0] and limits[1]:
        explained.add((limits[0].value, limits[1].value))
    return [piece for piece in pieces(old.value, new.value, old.kind) if piece not in explained]


def _bridge(side: _Side) -> str:
    scrape = side.facts.get(Key("", "", "scrape_interval"))
    every = files.seconds(scrape.value) if scrape else Fraction(30)
    return Site(scrape=every, evaluation=every, queues=(), dead_letter=()).bridge


def _alerts(before: _Side, after: _Side) -> dict[str, tuple[str, ...]]:
    """The severities that each alert has on both sides; those on one side only have a line of their own."""
    found: dict[str, tuple[str, ...]] = {}
    for key, fact in after.facts.items():
        if fact.kind == "presence" and key.severity and key in before.facts:
            found[key.subject] = (*found.get(key.subject, ()), key.severity)
    return found
