"""`stackgen init`: a first stack.yaml."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from stackgen.cli import options, reporting


@click.command(name="init")
@options.STACK
def command(stack: Path) -> None:
    """Write a first stack.yaml; never overwrites one."""
    from stackgen.write import write_first

    with reporting.reported("text", writes=False):
        write_first(stack)
    told = f"{stack}: created; name your application and queues in it, then run `stackgen generate`"
    click.echo(reporting.wrapped(told, sys.stderr), err=True)
