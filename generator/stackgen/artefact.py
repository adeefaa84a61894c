"""What emitters plan, render prints and verify judges: one file of output/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Syntax = Literal["yaml", "json", "ndjson", "markdown", "python", "text"]


@dataclass(frozen=True)
class Artefact:
    """One file to be written: where, from which template, with which values."""

    path: str
    """Relative to output/, with forward slashes."""
    template: str
    """Relative to templates/."""
    syntax: Syntax
    context: Mapping[str, object]


@dataclass(frozen=True)
class Rendered:
    """One file as it will be written, still knowing the artefact it came from."""

    artefact: Artefact
    text: str
    ink: tuple[object, ...] = ()
    """Every value the template printed, for the check that each is found again in the parsed text."""
