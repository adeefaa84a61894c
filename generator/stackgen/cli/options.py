"""Options that several commands take."""

from __future__ import annotations

import re
from pathlib import Path

import click
from click.core import ParameterSource


def _ours(context: click.Context, parameter: click.Parameter, path: Path) -> Path:
    """The folder; refused when it is plainly not one of ours: hundreds of files would be strewn into it."""
    del context, parameter
    full = path.absolute()
    if str(path) in ("", ".") or path.parts[:1] == ("~",) or full.resolve() in (Path.home(), Path.cwd()):
        message = "name a folder of its own, such as output"
    elif len(full.resolve().parts) <= 2:
        message = f"{full.resolve()} belongs to the system; name a folder of its own, such as output"
    elif (full / ".git").exists():
        message = f"{full} is a repository; name a folder in it, such as {path / 'output'}"
    else:
        return path
    raise click.BadParameter(message)


def variable(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    """The name of an environment variable; what is none may be a secret, and is not repeated."""
    del context, parameter
    if name is not None and not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,99}", name):
        message = "expected a variable's name, such as CELERY_BROKER_URL, got something else (not shown)"
        raise click.BadParameter(message)
    return name


def address(context: click.Context, parameter: click.Parameter, url: str | None) -> str | None:
    """An address for messages; one with a user or a password in it is refused, and not repeated."""
    del context, parameter
    if url is not None and "@" in url:
        message = "expected an address without user and password, got one with (not shown)"
        raise click.BadParameter(message)
    return url


def _either(context: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files and folders that are named; not beside --stack, which is one alone."""
    del parameter
    if paths and context.get_parameter_source("stack") is ParameterSource.COMMANDLINE:
        message = "name many stacks, or one with --stack"
        raise click.UsageError(message)
    return paths


STACKS = click.argument("stacks", nargs=-1, type=click.Path(path_type=Path), callback=_either)
STACK = click.option(
    "--stack", type=click.Path(path_type=Path), default="stack.yaml", show_default=True, help="The stack to read."
)
OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path),
    callback=_ours,
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
