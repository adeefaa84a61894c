"""`stackgen diff`: what would change, in words."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackgen.cli import options, reporting

if TYPE_CHECKING:
    from stackgen.diff.compare import Difference
    from stackgen.diff.words import Style


@click.command(name="diff")
@options.STACK
@options.OUTPUT
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True),
    help="Another generated folder to compare with, instead of --output; or another stack, such as stack.staging.yaml.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="markdown is a table for a pull request.",
)
def command(stack: Path, output: Path, against: Path | None, style: Style) -> None:
    """Say what stack.yaml would change in output/, in words.

    Each changed setting is one line, what wakes people first; files that only follow from it are counted.
    With another stack in --against: what is different here. Exits with 0 when nothing would change or is different,
    1 when something would (or stack.yaml has errors).
    """
    from stackgen.diff.words import render as said

    other = against and against.is_file()
    with reporting.reported("text", writes=False):
        found = _from_stack(against, stack) if against and other else _from_folder(against or output, stack)
    text = said(found, style)
    click.echo(reporting.wrapped(text, sys.stdout) if style == "text" else text, nl=False)
    if found:
        sys.exit(reporting.FINDINGS)
    click.echo(f"{against or output}: nothing {'is different' if other else 'would change'}", err=True)


def _from_folder(folder: Path, stack: Path) -> Difference:
    from stackgen import pipeline
    from stackgen.diff.compare import compare
    from stackgen.diff.tree import read
    from stackgen.write import nested

    return compare(read(folder), pipeline.stage(stack, nested.own_name(folder)).files)


def _from_stack(other: Path, stack: Path) -> Difference:
    from stackgen import pipeline
    from stackgen.diff.compare import stacks

    return stacks(pipeline.prepare(other).plan, pipeline.prepare(stack).plan)
