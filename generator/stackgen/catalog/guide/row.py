"""The shape of a row of "guide to ours": what the guide says, what is wrong with it, and what we do instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["promql", "bash", "python", "yaml", "text"]


@dataclass(frozen=True)
class Row:
    """One thing of the guide."""

    title: str
    guide: str
    """The guide's own words or code; "" for prose that needs none."""
    language: Language = "text"
    wrong: str = ""
    """What happens when it is used as written; "" when it is right."""
    ours: str = ""
    """What this stack does instead, as prose."""
    code: str = ""
    """Ours in working form, to copy: `{app}` is the application, `{evaluation}` the seconds between evaluations."""
    code_language: Language = "promql"
    signals: tuple[str, ...] = ()
    """Signals that judge it; their conditions on this stack are printed."""
    where: tuple[str, ...] = ()
    """Files of output/ that hold it."""


@dataclass(frozen=True)
class Chapter:
    """One section of the guide."""

    title: str
    about: str
    rows: tuple[Row, ...]
