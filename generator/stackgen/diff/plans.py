"""Two plan.json as data to compare. An older version, or somebody's hand, may have written the old one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple, cast

from stackgen.catalog import series
from stackgen.catalog.series import Unit
from stackgen.resolve.plan_model import FORMAT

Data = dict[str, Any]
Record = dict[str, Any]


class Plans(NamedTuple):
    """The plan before and the plan after."""

    old: Data
    new: Data

    def pairs(self, *path: str) -> Iterator[tuple[str, Record | None, Record | None]]:
        """What each name of a mapping of mappings was and is; None where it is not there."""
        old, new = (inside(side, *path) for side in self)
        for name in dict.fromkeys((*new, *old)):
            before, after = (side[name] if isinstance(side.get(name), dict) else None for side in (old, new))
            if before is not None or after is not None:
                yield name, before, after

    def moved(self, section: str) -> set[str]:
        """Names that come or go."""
        return {name for name, old, new in self.pairs(section) if old is None or new is None}


def read(text: str | None) -> Data | None:
    """The plan; None for what is none that this version understands."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("format") == FORMAT else None


def mapping(value: object) -> Record:
    """The mapping; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[str]:
    """The texts of a list; none for what is none."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def inside(plan: Data, *path: str) -> Record:
    """A mapping somewhere in the plan."""
    for name in path:
        plan = mapping(plan.get(name))
    return plan


def flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value that is no mapping, by its dotted path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def shown(value: object) -> str | None:
    """A value in words; None for null."""
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(str(shown(one)) for one in value) or "none"
        case _:
            return str(value)


def limit(value: object, unit: object) -> str | None:
    """A threshold in its unit, as a person writes it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shown(value)
    try:
        return series.limit(Fraction(str(value)), cast("Unit", unit))
    except (AssertionError, ValueError):  # no number or unit that this version would write
        return str(value)
