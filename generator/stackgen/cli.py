"""The command line: parses options, calls the pipeline, prints problems, exits. Heavy imports stand inside commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackgen.problem import Format, Problem, SpecError, ToolMissing, render

if TYPE_CHECKING:
    from stackgen.diff.words import Style
    from stackgen.write import Changes

Command = Callable[..., Any]

_STACK = click.option(
    "--stack", type=click.Path(path_type=Path), default="stack.yaml", show_default=True, help="The stack to read."
)
_OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="output",
    show_default=True,
    help="The folder to write or check.",
)
_FORMAT = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How findings are printed.",
)

_READABLE = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text for people, json for programs.",
)

# Pydantic would look through every installed distribution for plugins of its own; we have none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

FINDINGS, MISSING = 1, 3
"""Exit codes beside 0 (fine) and click's 2 (wrong usage)."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="celery-stackgen", prog_name="stackgen")
def main() -> None:
    """Generate and check a Celery monitoring stack from stack.yaml."""


@main.command()
@_STACK
@_OUTPUT
@_FORMAT
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited by hand.")
def generate(stack: Path, output: Path, style: Format, force: bool) -> None:
    """Write output/ from stack.yaml."""
    from stackgen import pipeline

    with _reported(style):
        made, changes = pipeline.generate(stack, output, force=force)
    _print(made.prepared.notices(), style)
    click.echo(_summary(changes, output), err=True)


@main.command()
@_STACK
@_OUTPUT
@_FORMAT
@click.option("--fast", is_flag=True, help="Only compare checksums, in milliseconds; nothing is rendered.")
def check(stack: Path, output: Path, style: Format, fast: bool) -> None:
    """Fail when output/ is stale, edited by hand, or refused by promtool."""
    with _reported(style, writes=False):
        found = _unchanged(stack, output) if fast else _current(stack, output)
    _print(found, style)
    errors = sum(p.level == "error" for p in found)
    if errors:
        sys.exit(FINDINGS)
    if not fast:
        click.echo(f"{output}: up to date, and promtool finds nothing wrong", err=True)


def _current(stack: Path, output: Path) -> list[Problem]:
    from stackgen import pipeline

    return pipeline.check(stack, output)[1]


def _unchanged(stack: Path, output: Path) -> list[Problem]:
    from stackgen import stack_file, write

    return write.since_generated(output, spec=stack_file.read(stack))


@main.command()
@_STACK
@_OUTPUT
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
def diff(stack: Path, output: Path, against: Path | None, style: Style) -> None:
    """Say what stack.yaml would change in output/, in words.

    Each changed setting is one line, what wakes people first; files that only follow from it are counted.
    Exits with 0 when nothing would change, 1 when something would (or stack.yaml has errors).
    """
    from stackgen import pipeline
    from stackgen.diff.compare import compare
    from stackgen.diff.tree import read
    from stackgen.diff.words import render as said

    with _reported("text", writes=False):
        made = pipeline.stage(stack)
    found = compare(read(against or output), made.files)
    click.echo(said(found, style), nl=False)
    if found:
        sys.exit(FINDINGS)
    click.echo(f"{against or output}: nothing would change", err=True)


@main.command()
@click.argument("signal")
@_STACK
@_READABLE
def explain(signal: str, stack: Path, style: Format) -> None:
    """Explain a signal: when it fires on this stack, on what evidence, and what keeps it silent.

    SIGNAL is the name of a signal (queue_length) or of its alert (CeleryQueueBacklog).
    """
    import json

    from stackgen import pipeline
    from stackgen.explain import about, find, words

    with _reported(style, writes=False):
        wanted = find.signals(signal)
        plan = pipeline.prepare(stack).plan
    found = [about.explain(one, plan) for one in wanted]
    if style == "json":
        click.echo(json.dumps([words.as_json(one) for one in found], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(map(words.text, found)), nl=False)


@main.command(name="list")
@_STACK
@_READABLE
def list_(stack: Path, style: Format) -> None:
    """List all signals: on or off, source and limits; then what the sources give."""
    import json

    from stackgen import pipeline
    from stackgen.explain import listing, terminal

    with _reported(style, writes=False):
        plan = pipeline.prepare(stack).plan
    if style == "json":
        click.echo(json.dumps(listing.as_json(plan), indent=2, ensure_ascii=False))
    elif sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        terminal.coloured(listing.tables(plan))
    else:
        click.echo(terminal.plain(listing.tables(plan)), nl=False)


@main.command()
def schema() -> None:
    """Print the JSON Schema of stack.yaml, for editors."""
    import json

    from stackgen.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@main.command()
@_STACK
@_OUTPUT
@click.option("--placeholders", is_flag=True, help="Also write a placeholder where only you know the value.")
def secrets(stack: Path, output: Path, placeholders: bool) -> None:
    """Write missing secret files for docker compose, with random values; never overwrites one."""
    from stackgen import pipeline

    with _reported("text"):
        folder, done = pipeline.secret_files(stack, output, placeholders=placeholders)
    for word, names in (("created", done.created), ("kept", done.kept), ("missing: only you know it", done.missing)):
        for name in names:
            click.echo(f"{folder / name}: {word}", err=True)


@main.command()
@_STACK
@_OUTPUT
@_READABLE
@click.option("--prometheus", metavar="URL", help="Prometheus, such as http://localhost:9090.")
@click.option("--alertmanager", metavar="URL", help="Alertmanager, such as http://localhost:9093.")
@click.option("--exporter", metavar="URL", help="celery-exporter, such as http://localhost:9808.")
@click.option("--broker", metavar="NAME", help="Environment variable with the broker's address; never the address.")
@click.option(
    "--logs", metavar="[PATH]", is_flag=False, flag_value="", help="Workers' log files; alone: where stack.yaml says."
)
def doctor(stack: Path, output: Path, style: Format, **where: str | None) -> None:
    """Look at a running stack: which alerts cannot work, why, and what to do. Reads only.

    Looks at what is named, and at the secret files in --output. Exits with 1 when something is wrong.
    """
    from stackgen import pipeline
    from stackgen.doctor import finding

    with _reported(style, writes=False):
        found = pipeline.doctor(stack, output, **where)
    if style == "json":
        click.echo(finding.as_json(found), nl=False)
    else:
        click.echo(finding.text(found), nl=False)
    if found:
        sys.exit(FINDINGS)
    click.echo("nothing is wrong with what was looked at", err=True)


@main.command()
@_STACK
def init(stack: Path) -> None:
    """Write a first stack.yaml of six lines; never overwrites one."""
    from stackgen.write import write_first

    with _reported("text", writes=False):
        write_first(stack)
    click.echo(f"{stack}: created; name your application and queues in it, then run `stackgen generate`", err=True)


@contextmanager
def _reported(style: Format, *, writes: bool = True) -> Iterator[None]:
    """Turns the errors a user can cause into text and an exit code."""
    try:
        yield
    except SpecError as error:
        _print(error.problems, style)
        if style == "text" and writes:
            click.echo(_count(error.problems), err=True)
        sys.exit(FINDINGS)
    except ToolMissing as error:
        click.echo(f"error[tool-missing]: {error}", err=True)
        sys.exit(MISSING)


def _print(problems: Iterable[Problem], style: Format) -> None:
    """Findings are talk when people read them (stderr), and data when a program does (stdout)."""
    listed = list(problems)
    if style == "text":
        colours = {"error": "red", "warning": "yellow", "notice": "cyan"}
        for problem in listed:
            _echo(str(problem), f"{problem.level}[{problem.rule}]", colours[problem.level])
    else:
        click.echo(render(listed, style), nl=False)


def _echo(text: str, word: str, colour: str) -> None:
    shown = text.replace(word, click.style(word, fg=colour, bold=True), 1) if _coloured() else text
    click.echo(shown, err=True)


def _coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _count(problems: Sequence[Problem]) -> str:
    errors = sum(p.level == "error" for p in problems)
    return f"{errors} problem{'s' if errors != 1 else ''}; nothing was written"


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
