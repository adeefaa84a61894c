"""`stackgen explain`: when a signal fires on this stack, and on what evidence."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from stackgen.cli import options, reporting
from stackgen.problem import Format


@click.command(name="explain")
@click.argument("signal")
@options.STACK
@options.READABLE
def command(signal: str, stack: Path, style: Format) -> None:
    """Explain when a signal fires, and what keeps it silent.

    SIGNAL is the name of a signal (queue_length) or of its alert (CeleryQueueBacklog).
    """
    import json

    from stackgen import pipeline
    from stackgen.explain import about, find, words

    with reporting.reported(style, writes=False):
        wanted = find.signals(signal)
        plan = pipeline.prepare(stack).plan
    found = [about.explain(one, plan) for one in wanted]
    if style == "json":
        click.echo(json.dumps([words.as_json(one) for one in found], indent=2, ensure_ascii=False))
    else:
        width = min(words.WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else words.WIDTH
        click.echo("\n".join(words.text(one, width) for one in found), nl=False)
