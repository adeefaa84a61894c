"""One line of a diff, and how lines that say the same become one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from stackgen.diff.plans import shown

RANKS = ("critical", "warning", "info")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What changed, for whom, from what to what."""

    subjects: tuple[str, ...]
    """Alerts, a setting's place in stack.yaml, or such as `receiver chat`."""
    whom: tuple[str, ...] = ()
    """Queues or tasks, where the change is about single ones."""
    aspect: str = ""
    """What of the subject; empty for a threshold, and where the subject itself comes or goes."""
    before: str | None = None
    after: str | None = None
    """In words; None for what is not there."""
    word: str = ""
    """Instead of two values: `removed`, `new (webhook)`, `+added −removed`."""
    severities: tuple[str, ...] = ()
    """Severities of the alerts that it is about, the worst first; what has none wakes nobody."""
    named: bool = False
    """Whether the line names the severities."""
    cause: str = ""
    """The subject whose coming or going brings this change with it."""
    effects: tuple[str, ...] = ()
    """What comes or goes with the subject, the worst first."""

    def rank(self) -> tuple[int, bool]:
        """The worst severity first; within one, what comes and goes before what has another value."""
        return min(map(RANKS.index, self.severities), default=len(RANKS)), not self.word


def worst_first(severities: Iterable[str]) -> tuple[str, ...]:
    """Each known severity once."""
    return tuple(sorted({one for one in severities if one in RANKS}, key=RANKS.index))


def differing(subject: str, aspect: str, *values: object, severities: Iterable[str] = ()) -> Iterator[Change]:
    """The change from the first value to the second, if it is one; of a list, what comes and goes."""
    old, new = values
    if old == new:
        return
    before, after, word = shown(old), shown(new), ""
    if isinstance(old, list) and isinstance(new, list) and not len(old) == len(new) == 1:
        had, has = (Counter(str(shown(one)) for one in side) for side in (old, new))
        moved = [*(f"+{one}" for one in (has - had).elements()), *(f"−{one}" for one in (had - has).elements())]
        before, after, word = None, None, " ".join(moved) or "order changed"
    levels = worst_first(severities)
    yield Change(subjects=(subject,), aspect=aspect, before=before, after=after, word=word, severities=levels)


def merged(changes: Iterable[Change], field: Literal["subjects", "whom", "severities"]) -> list[Change]:
    """One line for changes that differ only in this field."""
    found: dict[Change, dict[str, None]] = {}
    for one in changes:
        found.setdefault(_with(one, field, ()), {}).update(dict.fromkeys(getattr(one, field)))
    return [_with(one, field, tuple(values)) for one, values in found.items()]


def _with(change: Change, field: str, values: tuple[str, ...]) -> Change:
    wanted: dict[str, Any] = {field: values}
    return replace(change, **wanted)
