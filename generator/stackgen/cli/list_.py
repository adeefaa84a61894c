"""`stackgen list`: all signals, and what the sources give."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import click

from stackgen.cli import options, reporting
from stackgen.problem import Format


@click.command(name="list")
@options.STACK
@options.READABLE
def command(stack: Path, style: Format) -> None:
    """List all signals, on or off, and what sources give."""
    import json

    from stackgen import pipeline
    from stackgen.explain import listing, terminal

    with reporting.reported(style, writes=False):
        plan = pipeline.prepare(stack).plan
    if style == "json":
        click.echo(json.dumps(listing.as_json(plan), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty():
        text = terminal.stacked(listing.tables(plan), shutil.get_terminal_size().columns)
        click.echo(text if os.environ.get("NO_COLOR") else _coloured(text), nl=False)
    else:
        click.echo(terminal.plain(listing.tables(plan)), nl=False)


def _coloured(text: str) -> str:
    colours = {"critical": "red", "warning": "yellow", "info": "cyan"}
    return re.sub(r"\b(critical|warning|info)\b", lambda found: click.style(found[0], fg=colours[found[0]]), text)
