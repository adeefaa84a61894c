"""The only Jinja environment: every `{{ }}` is quoted for the language of the file, and remembered as ink."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from traceback import walk_tb

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    TemplateSyntaxError,
    Undefined,
)
from markupsafe import Markup

from stackgen.artefact import Artefact, Rendered, Syntax
from stackgen.render import quote

Ink = list[object]
Printer = Callable[..., str]

_ink: ContextVar[Ink] = ContextVar("ink")


class RenderError(Exception):
    """A template or its values are wrong: a fault of ours, not of the user's stack.yaml."""


def render(artefact: Artefact, templates: Path | None = None) -> Rendered:
    """The artefact's text and every value printed in it, from our own templates unless others are given.

    Raises RenderError, which names path, template and line.
    """
    folder = templates or templates_dir()
    printed: Ink = []
    token = _ink.set(printed)
    try:
        text = _environment(artefact.syntax, folder).get_template(artefact.template).render(artefact.context)
        if artefact.syntax == "json":
            text = quote.canonical_json(text)
    except Exception as error:
        message = f"{artefact.path}, from templates/{_last_line(error, folder, artefact.template)}: {error}"
        raise RenderError(message) from error
    finally:
        _ink.reset(token)
    return Rendered(artefact, text, tuple(printed))


def _last_line(error: Exception, folder: Path, template: str) -> str:
    """`name:line` of the innermost template the error passed through, as Jinja writes it into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or template}:{error.lineno}"
    frames = ((frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__))
    lines = [f"{Path(name).relative_to(folder)}:{line}" for name, line in frames if name.endswith(".j2")]
    return lines[-1] if lines else template


@lru_cache(maxsize=1)
def templates_dir() -> Path:
    """Where the templates lie: inside the installed package, else beside the package in the repository."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_templates"
    return packaged if packaged.is_dir() else package.parents[1] / "templates"


@lru_cache(maxsize=8)
def _environment(syntax: Syntax, folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_finalize(_PRINTERS[syntax]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        bytecode_cache=_compiled(),
    )
    # Logic belongs to Python, so that the language of templates is only what is left here.
    environment.filters = {name: _filter(name, printer) for name, printer in _FILTERS[syntax].items()}
    environment.tests = {"none": environment.tests["none"]}
    environment.globals = {}
    return environment


def _compiled() -> BytecodeCache | None:
    """Compiled templates beside Python's own .pyc files, and as safe as those; none where they cannot be written."""
    folder = Path(__file__).parent / "__pycache__"
    usable = not sys.dont_write_bytecode and os.access(folder, os.W_OK)
    return FileSystemBytecodeCache(str(folder), "%s.j2c") if usable else None


def _finalize(printer: Printer | None) -> Callable[[object], Markup]:
    """What Jinja calls for every `{{ }}`; text that is quoted is Markup, which passes here and Jinja's own escaping."""

    def finalize(value: object) -> Markup:
        if isinstance(value, Markup):
            return value
        if isinstance(value, Undefined):
            # Also the plain Undefined of an inline `if` without `else`, which StrictUndefined does not cover.
            message = f"nothing to print: {value._undefined_message}"
            raise TypeError(message)
        if printer is None:
            message = f"{value!r} needs a filter that names its language, such as dotenv or alloy"
            raise TypeError(message)
        _ink.get().append(value)
        return Markup(printer(value))

    return finalize


def _filter(name: str, printer: Printer) -> Callable[..., str]:
    def quoted(value: object, *options: object) -> str:
        if isinstance(value, Undefined | Markup):
            message = f"filter {name} got {'nothing' if isinstance(value, Undefined) else 'text already quoted'}"
            raise TypeError(message)
        if name not in _WITHOUT_INK:
            _ink.get().append(value)
        return Markup(printer(value, *options))

    return quoted


_WITHOUT_INK = frozenset({"comment", "source"})
_PRINTERS: Mapping[Syntax, Printer | None] = {
    "yaml": quote.as_yaml,
    "json": quote.as_json,
    "ndjson": quote.as_json,
    "markdown": quote.as_markdown,
    "python": quote.as_python,
    "text": None,
}
_FILTERS: Mapping[Syntax, Mapping[str, Printer]] = {
    "yaml": {"comment": quote.as_comment, "block": quote.yaml_block, "lines": quote.yaml_lines},
    "json": {},
    "ndjson": {},
    "markdown": {
        "comment": quote.as_html_comment,
        "code": quote.markdown_code,
        "fence": quote.markdown_fence,
        "link": quote.markdown_link,
        "prose": quote.markdown_prose,
    },
    "python": {"comment": quote.as_comment, "source": quote.python_source},
    "text": {"comment": quote.as_comment, "dotenv": quote.as_dotenv, "alloy": quote.as_alloy},
}
