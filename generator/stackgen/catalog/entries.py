"""Entries of stack.yaml's `queues` and `tasks`: names, patterns, and which of them means a queue or task.

Its own name before the longest pattern, and that before none, which has the defaults. Entries are not merged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from stackgen.catalog import promql

_PATTERN = re.compile(r"[\w.:/*-]+")
"""What somebody writes who means several names, wherever the * stands."""
_ODD = re.compile(r"[\w.:/*@+#~={}-]+")
"""The same with signs of hash tags and tenants, where the * stands at an end; with any other it is part of a name."""


def meant(entry: str) -> bool:
    """Whether somebody meant several names, rightly written or not."""
    signs = _ODD if well_formed(entry) else _PATTERN
    return "*" in entry and signs.fullmatch(entry) is not None


def is_pattern(entry: str) -> bool:
    """Whether it stands for several names: by a * at its start, its end or both."""
    return meant(entry) and well_formed(entry)


def well_formed(text: str) -> bool:
    """Whether a * stands at the start or end only, beside something else."""
    return "*" not in text[1:-1] and text.strip("*") != ""


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern, or a name of its own, means this name."""
    core = pattern.removeprefix("*").removesuffix("*")
    match pattern[:1] == "*", pattern[-1:] == "*":
        case True, True:
            return core in name
        case True, False:
            return name.endswith(core)
        case False, True:
            return name.startswith(core)
        case _:
            return pattern == name


def _overlap(one: str, other: str) -> bool:
    """Whether some name may match both patterns."""
    ends = one[:1] == "*", other[:1] == "*", one[-1:] == "*", other[-1:] == "*"
    if ends == (False, False, True, True):
        return one[:-1].startswith(other[:-1]) or other[:-1].startswith(one[:-1])
    if ends == (True, True, False, False):
        return one[1:].endswith(other[1:]) or other[1:].endswith(one[1:])
    return True


@dataclass(frozen=True)
class Entries:
    """The keys of one section, in the order of stack.yaml."""

    keys: Collection[str] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Those that are a name of their own."""
        return tuple(key for key in self.keys if not is_pattern(key))

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """Those that are patterns, the one that wins first: the longest; of two as long, the first."""
        return tuple(sorted(filter(is_pattern, self.keys), key=lambda key: -len(key.strip("*"))))

    def found(self, name: str) -> str | None:
        """The entry that means this queue or task; None when it has the defaults."""
        if name in self.keys and not is_pattern(name):
            return name
        return next((pattern for pattern in self.patterns if matches(pattern, name)), None)

    def winning(self, pattern: str) -> tuple[str, ...]:
        """Entries that win over a pattern for some of its names."""
        stronger = self.patterns[: self.patterns.index(pattern)]
        named = (name for name in self.names if matches(pattern, name))
        return (*named, *(other for other in stronger if _overlap(pattern, other)))

    def matchers(self, label: str, pattern: str) -> tuple[str, ...]:
        """PromQL's matchers for the names that the pattern means, and no stronger entry."""
        return promql.like(label, pattern), promql.none_of(label, self.winning(pattern))

    def example(self, key: str) -> str | None:
        """A name that the entry means; None for a pattern under which stronger ones leave nothing."""
        if not is_pattern(key):
            return key
        tries = (promql.matching(key, word) for word in ("1", "some", "any-other", "zz"))
        return next((name for name in map(_joined, tries) if self.found(name) == key), None)


def _joined(text: str) -> str:
    return text.replace(" ", "")


def examples(entries: Entries, keys: Iterable[str]) -> tuple[str, ...]:
    """A name behind each of these entries, as far as there is one."""
    return tuple(name for key in keys if (name := entries.example(key)) is not None)
