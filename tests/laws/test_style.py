"""Sizes, names, docstrings, and nothing in the repository that belongs to one machine."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "generator" / "stackgen"
TEMPLATES = REPOSITORY / "templates"

LONGEST_MODULE = 300
LONGEST_FUNCTION = 50
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
FOREIGN = ("/" + "work/", "farm" + "-")
"""Marks of the machines this was written on; put together here so that this file does not hold them."""

IGNORED = {".venv", ".tools", "__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache"}

MODULES = sorted(p for folder in ("generator", "bench", "tests") for p in (REPOSITORY / folder).rglob("*.py"))
PUBLIC = sorted(PACKAGE.rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _short(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def _tracked() -> list[Path]:
    """Every file git keeps or would keep; what .gitignore names is not part of the repository."""
    if not (REPOSITORY / ".git").exists():  # an unpacked archive
        return [path for path in REPOSITORY.rglob("*") if path.is_file() and IGNORED.isdisjoint(path.parts)]
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := REPOSITORY / name).is_file()]


def _declares_only(node: Function | ast.ClassDef) -> bool:
    return [ast.unparse(statement) for statement in node.body] == ["..."]


def _undocumented(body: list[ast.stmt], owner: str = "") -> Iterator[str]:
    """Public classes, functions and methods without a docstring.

    What is inside a function is private; a member of a Protocol, whose body is `...`, is told by its class.
    """
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_") or _declares_only(node):
            continue
        if ast.get_docstring(node) is None:
            yield f"{owner}{node.name} (line {node.lineno})"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node.body, f"{owner}{node.name}.")


@pytest.mark.parametrize("path", MODULES, ids=_short)
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", MODULES, ids=_short)
def test_functions_are_short(path: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, Function)]
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", MODULES, ids=_short)
def test_modules_are_named_for_what_they_do(path: Path) -> None:
    assert EMPTY_NAMES.isdisjoint([path.stem, *path.relative_to(REPOSITORY).parts])


@pytest.mark.parametrize("path", PUBLIC, ids=_short)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text())
    missing = list(_undocumented(tree.body))
    if tree.body and ast.get_docstring(tree) is None:
        missing.append("the module itself")
    assert missing == []


def _names_in_python() -> Iterator[re.Pattern[str]]:
    """Each text in the generator that could name a template; an f-string's hole matches any one path part."""
    for path in PUBLIC:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.compile(re.escape(node.value))
            elif isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(v.value)) if isinstance(v, ast.Constant) else "[^/]+" for v in node.values]
                yield re.compile("".join(parts))


def _names_in_templates() -> Iterator[re.Pattern[str]]:
    for path in TEMPLATES.rglob("*.j2"):
        for name in re.findall(r"{%-?\s*(?:from|import|include|extends)\s+[\"']([^\"']+)", path.read_text()):
            yield re.compile(re.escape(name))


def test_every_template_is_used() -> None:
    names = [p for p in (*_names_in_python(), *_names_in_templates()) if p.pattern.endswith("j2")]
    templates = [path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*") if path.is_file()]
    assert [t for t in templates if not any(name.fullmatch(t) for name in names)] == []


def test_nothing_of_one_machine_is_in_the_repository() -> None:
    texts = {_short(path): path.read_bytes().decode(errors="replace") for path in _tracked()}
    found = [(name, mark) for name, text in texts.items() for mark in FOREIGN if mark in text]
    assert found == []
