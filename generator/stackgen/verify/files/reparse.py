"""Reads every rendered file back, strictly, and looks for each printed value in what was read (the ink check)."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NoReturn

import yaml

from stackgen.artefact import Rendered, Syntax
from stackgen.load import LOADER
from stackgen.problem import Mark, Problem
from stackgen.render import quote
from stackgen.verify.subject import Subject

_CODE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Leaf = str | tuple[str, object]
"""A value as the ink check compares it: text as it is, anything else with its type, for 1, 1.0 and True are equal."""


class Refused(Exception):
    """The text cannot be read, or not in one way only."""

    def __init__(self, message: str, line: int = 0, column: int = 0, rule: str = "output-syntax") -> None:
        super().__init__(message)
        self.rule = rule
        self.line = line
        self.column = column


def problems(subject: Subject) -> Iterator[Problem]:
    """What is wrong with the text of each file as its language sees it."""
    for one in subject.rendered:
        yield from of_file(one)


def of_file(rendered: Rendered) -> list[Problem]:
    """What is wrong with the text as its language sees it: unreadable, a key twice, a printed value that got lost."""
    artefact = rendered.artefact
    where = f"templates/{artefact.template}"
    try:
        if not rendered.text.endswith("\n") or "\r" in rendered.text:
            message = "expected every line, also the last, to end in one newline character"
            raise Refused(message)
        holds = _READERS[artefact.syntax](rendered.text)
        lost = dict.fromkeys(
            repr(leaf if isinstance(leaf, str) else leaf[1])
            for value in rendered.ink
            if not _all_of(value, holds)
            for leaf in _leaves(value)
            if not holds(leaf)
        )
    except Refused as error:
        return [Problem(Mark(artefact.path, error.line, error.column), error.rule, where, str(error))]
    return [_lost(artefact.path, where, text) for text in lost]


def _lost(path: str, where: str, text: str) -> Problem:
    message = f"expected to read back the printed value {text}"
    hint = "in the template, nothing may touch {{ }}: build the whole value in Python"
    return Problem(Mark(path), "output-lost-value", where, message, hint)


def _all_of(value: object, holds: Callable[[Leaf], bool]) -> bool:
    return holds(quote.exact(value)) if isinstance(value, str) else all(map(holds, _leaves(value)))


def _leaves(value: object) -> Iterator[Leaf]:
    """Every scalar of the data, keys too."""
    todo = [value]
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            yield quote.exact(value)
        elif isinstance(value, list | tuple):
            todo += value
        elif value is None or isinstance(value, int | float) or not isinstance(value, Mapping):
            yield type(value).__name__, value
        else:
            todo += value
            todo += value.values()


class StrictLoader(LOADER):  # type: ignore[misc]  # libyaml's, or PyYAML's own
    """Refuses a key that stands twice, of which PyYAML would silently take the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """The mapping; its values may still be empty when the loader calls."""
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                _refuse(key, "expected a scalar as key, got a list or mapping")
            if (key.tag, key.value) in seen:
                _refuse(key, f"key {key.value!r} is written twice", rule="output-duplicate-key")
            seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def _read_yaml(text: str) -> Callable[[Leaf], bool]:
    try:
        return set(_leaves(list(yaml.load_all(text, StrictLoader)))).__contains__
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        message = f"not YAML: {error.problem}"
        raise Refused(message, line, column) from error
    except (yaml.YAMLError, ValueError) as error:
        message = "not YAML: " + _one_line(str(error))
        raise Refused(message) from error


def _refuse(node: yaml.Node, message: str, rule: str = "output-syntax") -> NoReturn:
    raise Refused(message, node.start_mark.line + 1, node.start_mark.column + 1, rule)


def _read_json(text: str) -> Callable[[Leaf], bool]:
    try:
        return set(_leaves(quote.parse_json(text))).__contains__
    except quote.DuplicateKey as error:
        raise Refused(str(error), rule="output-duplicate-key") from error
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg}"
        raise Refused(message, error.lineno, error.colno) from error
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error


def _read_ndjson(text: str) -> Callable[[Leaf], bool]:
    found: set[Leaf] = set()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found.update(_leaves(quote.parse_json(line)))
        except (ValueError, RecursionError) as error:
            message = f"not JSON: {error}"
            raise Refused(message, number) from error
    return found.__contains__


def _read_python(text: str) -> Callable[[Leaf], bool]:
    """Settings stand at the top of a module; functions and classes are looked into when a value is not among them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an unknown escape in a text is only a SyntaxWarning
            nodes = _statements(text)
    except SyntaxError as error:
        message = f"not Python: {error.msg}"
        raise Refused(message, error.lineno or 0, error.offset or 0) from error
    except ValueError as error:
        raise Refused(str(error)) from error
    code = [node for node in nodes if isinstance(node, _CODE)]
    found = _constants(node for node in nodes if not isinstance(node, _CODE))
    inside = cache(lambda: _constants(code))
    return lambda leaf: leaf in found or leaf in inside()


def _statements(text: str) -> list[ast.stmt]:
    """The module, by what stands between two blank lines: of celery_monitoring.py most is the same for every stack."""
    try:
        return [node for part in text.split("\n\n\n") for node in _parsed(part)]
    except SyntaxError:  # blank lines in a text, or what is really wrong, then at its line
        return ast.parse(text).body


@lru_cache(maxsize=512)
def _parsed(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


def _constants(nodes: Iterable[ast.stmt]) -> set[Leaf]:
    found: set[Leaf] = set()
    for node in (inner for top in nodes for inner in ast.walk(top)):
        match node:
            case ast.Constant(value=value):
                found.update(_leaves(value))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                found.update(_leaves(-value))
            case ast.Dict(keys=keys):
                _refuse_repeated_key(keys)
            case _:
                pass
    return found


def _refuse_repeated_key(keys: Iterable[ast.expr | None]) -> None:
    seen: set[str] = set()
    for key in keys:
        if isinstance(key, ast.Constant):
            if repr(key.value) in seen:
                message = f"key {key.value!r} is written twice"
                raise Refused(message, key.lineno, key.col_offset + 1, "output-duplicate-key")
            seen.add(repr(key.value))


def _read_markdown(text: str) -> Callable[[Leaf], bool]:
    """Markdown has no leaves; a value must be found in the text as it is, or once escapes are taken away."""
    fence = 0
    for line in re.findall(r"^```.*", text, re.MULTILINE):
        ticks = len(line) - len(line.lstrip("`"))
        if fence == 0:
            fence = ticks if "`" not in line[ticks:] else 0  # else it is a code span
        elif ticks >= fence and not line.strip("` "):
            fence = 0
    if fence:
        message = "a fenced code block is not closed"
        raise Refused(message)
    plain = quote.as_comment(text)
    escapes = (r"\\(\|)", r"\\(<)", r"\\([!-/:-@\[-`{-~])")
    unescaped = cache(lambda: [quote.as_comment(re.sub(escape, r"\1", text)) for escape in escapes])

    @cache
    def holds(leaf: Leaf) -> bool:
        shown = quote.as_comment(_shown(leaf))
        return shown in plain or any(shown in view for view in unescaped())

    return holds


def _read_text(text: str) -> Callable[[Leaf], bool]:
    """Words, quoted texts and right sides of `NAME=` of a dotenv or Alloy file, outside its comment lines."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("#", "//"))]
    found = {line.partition("=")[2] for line in lines}
    for token in re.findall(r""""(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'=,\[\]{}()]+""", "\n".join(lines)):
        if token[0] == '"':
            found.add(_unescaped(token))
        else:
            found.add(token[1:-1] if token[0] == "'" else token)
    return lambda leaf: _shown(leaf) in found


def _unescaped(token: str) -> str:
    try:
        return str(json.loads(token.replace("\\$", "$")))
    except ValueError as error:
        message = f"{token} is not a quoted text"
        raise Refused(message) from error


def _shown(leaf: Leaf) -> str:
    return leaf if isinstance(leaf, str) else quote.as_json(leaf[1])


def _one_line(text: str) -> str:
    return " ".join(text.split())


_READERS: Mapping[Syntax, Callable[[str], Callable[[Leaf], bool]]] = {
    "yaml": _read_yaml,
    "json": _read_json,
    "ndjson": _read_ndjson,
    "python": _read_python,
    "markdown": _read_markdown,
    "text": _read_text,
}
