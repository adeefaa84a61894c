"""What the generator says when something is wrong: where, what was expected, what was found, what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal, NamedTuple, assert_never

Level = Literal["error", "warning", "notice"]
Format = Literal["text", "json", "github"]


class Mark(NamedTuple):
    """A place in a file a person can open; line and column count from 1, 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:col`, or the file alone when the problem has no line."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Problem(NamedTuple):
    """One finding. `rule` is a stable kebab-case id that tests and people may refer to."""

    mark: Mark
    rule: str
    where: str
    message: str
    hint: str = ""
    level: Level = "error"

    def __str__(self) -> str:
        """One line, and an indented hint line when there is one."""
        place = f"{self.where}: " if self.where else ""
        first = f"{self.mark}: {self.level}[{self.rule}]: {place}{self.message}"
        return f"{first}\n  hint: {self.hint}" if self.hint else first


class SpecError(Exception):
    """The input cannot be used; carries every problem found, sorted by position."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class ToolMissing(Exception):
    """A program that a check needs is not on this machine; the text says how to get it."""


def render(problems: Iterable[Problem], style: Format) -> str:
    """All problems as text lines, a JSON array, or GitHub workflow commands; ends with a newline unless empty."""
    match style:
        case "text":
            lines = [str(p) for p in problems]
        case "json":
            lines = [json.dumps([_as_json(p) for p in problems], indent=2, ensure_ascii=False)]
        case "github":
            lines = [_as_github(p) for p in problems]
        case _:
            assert_never(style)
    return "".join(f"{line}\n" for line in lines)


def _as_json(p: Problem) -> dict[str, object]:
    return {
        "file": p.mark.file,
        "line": p.mark.line,
        "column": p.mark.column,
        "level": p.level,
        "rule": p.rule,
        "where": p.where,
        "message": p.message,
        "hint": p.hint,
    }


def _as_github(p: Problem) -> str:
    # Escapes of the workflow-command format: https://docs.github.com/actions, "Workflow commands".
    def data(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    def prop(text: str) -> str:
        return data(text).replace(":", "%3A").replace(",", "%2C")

    place = f"file={prop(p.mark.file)}"
    if p.mark.line:
        place += f",line={p.mark.line},col={p.mark.column}"
    body = f"{p.where}: {p.message}" if p.where else p.message
    return f"::{p.level} {place},title={prop(p.rule)}::{data(f'{body} ({p.hint})' if p.hint else body)}"
