"""`stackgen explain`: when a signal fires on this stack, and on what evidence."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from stackgen.cli import options, reporting
from stackgen.problem import Format


@click.command(name="explain")
@click.argument("name")
@options.STACK
@options.READABLE
def command(name: str, stack: Path, style: Format) -> None:
    """Explain when a signal fires, and what keeps it silent.

    NAME is that of a signal (queue_length), of its alert (CeleryQueueBacklog), or of a queue or task: then it says
    which entry of stack.yaml means it.
    """
    import json
    from dataclasses import asdict

    from stackgen import pipeline
    from stackgen.explain import about, find, subject, words

    with reporting.reported(style, writes=False):
        prepared = pipeline.prepare(stack)
        plan = prepared.plan
        meant = [] if find.is_signal(name) else subject.subjects(name, plan, prepared.document)
        wanted = () if meant else find.signals(name)
    if meant:
        said = [asdict(one) for one in meant]
        text = "\n".join(words.safe_lines(subject.text(one)) for one in meant)
        click.echo(json.dumps(said, indent=2, ensure_ascii=False) if style == "json" else text, nl=style == "json")
        return
    found = [about.explain(one, plan) for one in wanted]
    if style == "json":
        click.echo(json.dumps([words.as_json(one) for one in found], indent=2, ensure_ascii=False))
    else:
        width = min(words.WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else words.WIDTH
        click.echo("\n".join(words.text(one, width) for one in found), nl=False)
