"""`stackgen generate`: writes output/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackgen.cli import options, reporting
from stackgen.problem import Format

if TYPE_CHECKING:
    from stackgen.write import Changes


@click.command(name="generate")
@options.STACKS
@options.STACK
@options.OUTPUT
@options.FORMAT
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited by hand.")
def command(stacks: tuple[Path, ...], stack: Path, output: Path, style: Format, force: bool) -> None:
    """Write output/ from stack.yaml.

    With STACKS, files or folders of them: each stack has a folder of its own below output/, and README.md lists all.
    """
    if stacks:
        _many(stacks, output, style, force)
        return
    from stackgen import pipeline

    with reporting.reported(style):
        made, changes = pipeline.generate(stack, output, force=force)
    notices = made.prepared.notices()
    known = style == "text" and not (changes.created or changes.updated or changes.removed)
    reporting.print_problems([] if known else notices, style)
    told = f"{len(notices)} notice{'' if len(notices) == 1 else 's'}"
    again = f"; {told} as before (--format json shows them)" if known and notices else ""
    click.echo(f"{_summary(changes, output)}{again}", err=True)


def _many(paths: tuple[Path, ...], output: Path, style: Format, force: bool) -> None:
    from stackgen.stacks import find, run

    stacks = find.find(paths)
    outcomes = run.generate(stacks, output, force=force)
    for one in outcomes:
        if one.changes and (one.changes.created or one.changes.updated or one.changes.removed):
            click.echo(_summary(one.changes, output / one.folder), err=True)
    reporting.finish(stacks, outcomes, style, output)


def _summary(changes: Changes, output: Path) -> str:
    counted = [
        f"{len(paths)} {word}"
        for word, paths in (
            ("created", changes.created),
            ("updated", changes.updated),
            ("removed", changes.removed),
            ("unchanged", changes.unchanged),
        )
        if paths
    ]
    return f"{output}: {', '.join(counted) or 'nothing to do'}"
