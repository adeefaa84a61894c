"""Two trees of files to the list of changes: each cause once, what wakes people first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from stackgen.diff import alerts, plans, settings
from stackgen.diff.change import Change, worst_first
from stackgen.diff.plans import Plans
from stackgen.resolve.plan import Plan
from stackgen.resolve.plan_file import PATH, as_json

Tree = Mapping[str, str | None]
"""Text by path; None for what is no text."""


@dataclass(frozen=True)
class Difference:
    """What changes in the plan, what wakes people first, and which files differ."""

    changes: tuple[Change, ...]
    files: tuple[str, ...]
    """The plan is not among them where its changes are told."""
    before: Literal["plan", "no plan", "nothing"] = "plan"
    """What the old tree says of itself: its plan, nothing that can be read, or it has no files at all."""

    def __bool__(self) -> bool:
        """Whether anything would be written differently."""
        return bool(self.changes or self.files)


def compare(old: Tree, new: Tree) -> Difference:
    """What changes on the way from one tree to the other."""
    differ = {path for path in {*old, *new} if old.get(path) != new.get(path) or (path in old) != (path in new)}
    files = tuple(sorted(differ))
    sides = [plans.read(tree.get(PATH)) for tree in (old, new)]
    if sides[0] is None or sides[1] is None:
        return Difference((), files, "no plan" if old else "nothing")
    found = _changes(Plans(sides[0], sides[1]))
    return Difference(found, tuple(path for path in files if path != PATH) if found else files)


def stacks(old: Plan, new: Plan) -> Difference:
    """What is different between two stacks, such as two environments; no files, for nearly all name their stack."""
    return Difference(_changes(Plans(as_json(old), as_json(new))), ())


def _changes(both: Plans) -> tuple[Change, ...]:
    found = _with_effects([*alerts.changes(both), *settings.changes(both)])
    return tuple(sorted(found, key=Change.rank))


def _with_effects(changes: Iterable[Change]) -> list[Change]:
    """What comes or goes with something else becomes a part of that change."""
    listed = list(changes)
    causes = {one.subjects[0]: one for one in listed if one.word and not one.cause}
    brought: dict[str, list[Change]] = {name: [] for name in causes}
    for one in listed:
        if one.cause in brought:
            brought[one.cause].append(one)
    found = []
    for one in listed:
        effects = sorted(brought.get(one.subjects[0], ()), key=lambda c: (c.rank(), c.subjects)) if one.word else []
        if one.cause not in brought:
            found.append(
                replace(
                    one,
                    severities=worst_first(chain(one.severities, *(effect.severities for effect in effects))),
                    effects=tuple(chain.from_iterable(effect.effects for effect in effects)),
                )
            )
    return found
