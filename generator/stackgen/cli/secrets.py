"""`stackgen secrets`: the secret files that docker compose mounts."""

from __future__ import annotations

from pathlib import Path

import click

from stackgen.cli import options, reporting


@click.command(name="secrets")
@options.STACK
@options.OUTPUT
@click.option("--placeholders", is_flag=True, help="Also write a placeholder where only you know the value.")
def command(stack: Path, output: Path, placeholders: bool) -> None:
    """Write the secret files that are missing.

    For docker compose, with random values; never overwrites one.
    """
    from stackgen import pipeline

    with reporting.reported("text", writes=False):
        folder, done = pipeline.secret_files(stack, output, placeholders=placeholders)
    for word, names in (("created", done.created), ("kept", done.kept), ("missing: only you know it", done.missing)):
        for name in names:
            click.echo(f"{folder / name}: {word}", err=True)
