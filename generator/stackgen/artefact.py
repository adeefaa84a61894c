"""What emitters plan, render prints and verify judges: one file of output/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Syntax = Literal["yaml", "json", "ndjson", "markdown", "python", "text"]


class Artefact(NamedTuple):
    """One file to be written: where, from which template, with which values."""

    path: str
    """Relative to output/, with forward slashes."""
    template: str
    """Relative to templates/."""
    syntax: Syntax
    context: Mapping[str, object]


class Rendered(NamedTuple):
    """One file as it will be written, still knowing the artefact it came from."""

    artefact: Artefact
    text: str
    ink: tuple[object, ...] = ()
    """Every value the template printed, for the check that each is found again in the parsed text."""
