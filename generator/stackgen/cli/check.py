"""`stackgen check`: whether output/ is what stack.yaml generates, and right."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import click

from stackgen.cli import options, reporting
from stackgen.problem import Format, Problem


@click.command(name="check")
@options.STACKS
@options.STACK
@options.OUTPUT
@options.FORMAT
@click.option("--fast", is_flag=True, help="Only compare checksums, in milliseconds; nothing is rendered.")
def command(stacks: tuple[Path, ...], stack: Path, output: Path, style: Format, fast: bool) -> None:
    """Say whether output/ is current and right.

    Fails when it is stale, edited by hand, or refused by promtool and its like. With STACKS, as for `generate`: each of
    them, and what they have in common.
    """
    if stacks:
        _many(stacks, output, style, fast)
        return
    with reporting.reported(style, writes=False):
        found = _unchanged(stack, output) if fast else _current(stack, output)
    reporting.print_problems(found, style)
    if any(p.rule == "tool-missing" for p in found):
        sys.exit(reporting.MISSING)
    if any(p.level == "error" for p in found):
        sys.exit(reporting.FINDINGS)
    told = f"; {len(found)} remark{'s' if len(found) > 1 else ''} above" if found else ""
    click.echo(f"{output}: up to date{'' if fast else ', and the real programs accept it'}{told}", err=True)


def _many(paths: tuple[Path, ...], output: Path, style: Format, fast: bool) -> None:
    from stackgen.stacks import find, run

    stacks = find.find(paths)
    reporting.finish(stacks, run.unchanged(stacks, output) if fast else run.check(stacks, output), style, output)


def _current(stack: Path, output: Path) -> list[Problem]:
    from stackgen import pipeline

    return pipeline.check(stack, output)[1]


def _unchanged(stack: Path, output: Path) -> list[Problem]:
    from stackgen import stack_file, write

    data = stack_file.read(stack)
    if b"extends" not in data:
        return write.since_generated(output, spec_sha256=hashlib.sha256(data).hexdigest())
    from stackgen import overlay  # reads YAML, which takes longer than everything else here

    return write.since_generated(output, spec_sha256=overlay.read(stack).sha256)
