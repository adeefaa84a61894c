"""`stackgen diff`: what would change, in words."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackgen.cli import options, reporting

if TYPE_CHECKING:
    from stackgen.diff.words import Style


@click.command(name="diff")
@options.STACK
@options.OUTPUT
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another generated folder to compare with, instead of --output.",
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
    Exits with 0 when nothing would change, 1 when something would (or stack.yaml has errors).
    """
    from stackgen import pipeline
    from stackgen.diff.compare import compare
    from stackgen.diff.tree import read
    from stackgen.diff.words import render as said

    with reporting.reported("text", writes=False):
        made = pipeline.stage(stack)
    found = compare(read(against or output), made.files)
    click.echo(said(found, style), nl=False)
    if found:
        sys.exit(reporting.FINDINGS)
    click.echo(f"{against or output}: nothing would change", err=True)
