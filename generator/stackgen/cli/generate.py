"""`stackgen generate`: writes output/."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackgen.cli import options, reporting
from stackgen.problem import Format, Problem

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

    before = _off(output / "plan.json")
    with reporting.reported(style):
        made, changes = pipeline.generate(stack, output, force=force)
    notices = made.prepared.notices()
    changed = changes.created or changes.updated or changes.removed
    known = [] if style != "text" else notices if not changed else _known(notices, before)
    shown = [one for one in notices if one not in known]
    reporting.print_problems(_folded(shown) if style == "text" else shown, style)
    told = f"{len(known)} notice{'' if len(known) == 1 else 's'}"
    again = f"; {told} as before (--format json shows them)" if known else ""
    click.echo(reporting.wrapped(f"{_summary(changes, output)}{again}", sys.stderr), err=True)


def _off(plan: Path) -> dict[str, str]:
    """Why signals were off when the folder was written last."""
    import json

    try:
        return {name: str(facts["reason"]) for name, facts in json.loads(plan.read_bytes())["off"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _known(notices: Sequence[Problem], off: Mapping[str, str]) -> list[Problem]:
    """Of signals that were off before, and for the same reason."""
    return [one for one in notices if one.rule == "signal-off" and one.message == f"not judged: {off.get(one.where)}"]


def _folded(notices: Sequence[Problem]) -> list[Problem]:
    """All signals that are off in one notice; each reason is `list`'s to tell."""
    off = [one for one in notices if one.rule == "signal-off"]
    if len(off) < 3:
        return list(notices)
    message = f"{len(off)} signals are not judged: {', '.join(one.where for one in off)}"
    hint = "`stackgen list` says why, and what would help"
    return [off[0]._replace(where="", message=message, hint=hint), *(one for one in notices if one not in off)]


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
    compose = "docker-compose.yml"
    start = f"; how to start it stands in the first lines of {output / compose}" if compose in changes.created else ""
    return f"{output}: {', '.join(counted) or 'nothing to do'}{start}"
