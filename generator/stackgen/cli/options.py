"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

STACK = click.option(
    "--stack", type=click.Path(path_type=Path), default="stack.yaml", show_default=True, help="The stack to read."
)
OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="output",
    show_default=True,
    help="The folder to write or check.",
)
FORMAT = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How findings are printed.",
)

READABLE = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text for people, json for programs.",
)
