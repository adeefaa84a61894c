"""Prints problems, and turns the errors a user can cause into exit codes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

import click

from stackgen.problem import Format, Problem, SpecError, ToolMissing, render

if TYPE_CHECKING:
    from stackgen.stacks.find import Stacks
    from stackgen.stacks.run import Outcome

FINDINGS, MISSING = 1, 3
"""Exit codes beside 0 (fine) and click's 2 (wrong usage)."""


@contextmanager
def reported(style: Format, *, writes: bool = True) -> Iterator[None]:
    """Turns the errors a user can cause into text and an exit code."""
    try:
        yield
    except SpecError as error:
        print_problems(error.problems, style)
        if style == "text" and writes:
            click.echo(_count(error.problems), err=True)
        sys.exit(FINDINGS)
    except ToolMissing as error:
        click.echo(f"error[tool-missing]: {error}", err=True)
        sys.exit(MISSING)


def print_problems(problems: Iterable[Problem], style: Format) -> None:
    """Findings are talk when people read them (stderr), and data when a program does (stdout)."""
    listed = list(problems)
    if style == "text":
        colours = {"error": "red", "warning": "yellow", "notice": "cyan"}
        for problem in listed:
            _echo(wrapped(str(problem), sys.stderr), f"{problem.level}[{problem.rule}]", colours[problem.level])
    else:
        click.echo(render(listed, style), nl=False)


def wrapped(text: str, stream: TextIO) -> str:
    """The lines as wide as the terminal that the stream is; as they are where no person looks."""
    if not stream.isatty():
        return text
    width = max(40, shutil.get_terminal_size().columns)
    lines = (
        wrap(line, width, subsequent_indent=" " * (4 + 4 * line.startswith(" ")), drop_whitespace=True,
             break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )  # fmt: skip
    return "\n".join(part for line in lines for part in line) + "\n" * text.endswith("\n")


def _echo(text: str, word: str, colour: str) -> None:
    shown = text.replace(word, click.style(word, fg=colour, bold=True), 1) if _coloured() else text
    click.echo(shown, err=True)


def _coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def finish(stacks: Stacks, outcomes: Sequence[Outcome], style: Format, output: Path) -> None:
    """Prints what is wrong with many stacks, each finding once, and how many there are; exits as for one stack."""
    found = [*stacks.problems, *(problem for one in outcomes for problem in one.problems)]
    listed = list(dict.fromkeys(found))
    notices = [problem for problem in listed if problem.level == "notice"]
    print_problems([problem for problem in listed if style != "text" or problem.level != "notice"], style)
    for path in stacks.bases:
        click.echo(f"{path}: no stack of its own, others extend it", err=True)
    told = f"; {len(notices)} notice{'' if len(notices) == 1 else 's'} (--format json shows them)" if notices else ""
    failed = sum(one.failed for one in outcomes if one.folder)
    wrong = f", {failed} with errors" if failed else ""
    click.echo(f"{output}: {len(stacks.stacks)} stacks{wrong}{told if style == 'text' else ''}", err=True)
    if any(problem.rule == "tool-missing" for problem in listed):
        sys.exit(MISSING)
    if any(problem.level == "error" for problem in listed):
        sys.exit(FINDINGS)


def _count(problems: Sequence[Problem]) -> str:
    errors = sum(p.level == "error" for p in problems)
    kept = "" if any(p.rule == "output-refused" for p in problems) else "; nothing was written"
    return f"{errors} problem{'s' if errors != 1 else ''}{kept}"
