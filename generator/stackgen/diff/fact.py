"""What both sides of a comparison are flattened into: one fact a line, and the changes between two sets of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

Kind = Literal["presence", "value", "members", "expression", "text", "lines"]
"""How a fact is told: there or not, a value, a list of which items come and go, or text that only differs."""


class Key(NamedTuple):
    """What a fact is about. `aspect` is empty where the fact is that the subject exists."""

    subject: str
    severity: str
    aspect: str


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing a file says, in the words a person is told."""

    value: str
    files: tuple[str, ...]
    kind: Kind = "value"
    number: Fraction | None = None
    fallback: Key | None = None
    """The fact that holds where this one is absent, such as the default threshold of a queue without its own."""
    follows: str = ""
    """A subject; when that comes or goes as a whole, this fact goes without saying."""
    joins: tuple[Key, ...] = ()
    """The same for several subjects, or single severities of them: one that comes or goes is enough."""
    group: str = ""
    """What kind of subject it is, such as `alert`; equal changes of one group are told in one line."""
    hidden: bool = False
    """True for a value that may be a secret: that it changed is told, but not to what."""


Facts = Mapping[Key, Fact]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of a diff: what changed, for whom, from what to what."""

    subjects: tuple[str, ...]
    severities: tuple[str, ...]
    """Empty when it has none; of a severity-less line about an alert, the severities it touches."""
    aspect: str
    before: str | None
    after: str | None
    kind: Kind
    files: tuple[str, ...]
    group: str = ""
    named: bool = True
    """Whether the line names its severities; not when it is about all that the alert has."""
    all_of_group: bool = False


@dataclass(frozen=True)
class Difference:
    """All changes, what wakes people first, and the changed files that no line names."""

    changes: tuple[Change, ...]
    following: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything would be written differently."""
        return bool(self.changes or self.following)
