"""Imports point one way, and a few libraries have one home."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "generator" / "stackgen"

ROOMS = (
    "app",
    "problem",
    "document",
    "stack_file",
    "load",
    "catalog",
    "outputs",
    "overlay",
    "spec",
    "resolve",
    "rules",
    "cases",
    "artefact",
    "emitters",
    "render",
    "verify",
    "diff",
    "explain",
    "doctor",
    "write",
    "pipeline",
    "stacks",
    "cli",
)
"""A room imports only from rooms before it, and from itself."""

ENTRANCES = {
    "__init__": frozenset[str](),
    "__main__": frozenset({"cli"}),
}
"""Modules that stand outside the row, and the rooms each may import."""

HOMES = {
    "click": ("cli",),
    "jinja2": ("render",),
    "yaml": ("load", "render.quote", "verify"),
    "subprocess": ("verify",),
}
"""Libraries that only these modules (or packages) may import."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    """`render.quote` for generator/stackgen/render/quote.py; a package's own module is called like the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, inside functions and TYPE_CHECKING too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def _may(name: str, target: str) -> bool:
    """Whether module `name` may import `target`, both without the leading `stackgen.`."""
    room, wanted = name.partition(".")[0], target.partition(".")[0]
    if room in ENTRANCES:
        return wanted in ENTRANCES[room]
    if room not in ROOMS or wanted not in ROOMS:
        return False
    return ROOMS.index(wanted) <= ROOMS.index(room)


def _inside(name: str, home: str) -> bool:
    return name == home or name.startswith(f"{home}.")


def _wrong(name: str, target: str) -> str:
    """Why module `name` may not import `target`; empty when it may."""
    first, _, rest = target.partition(".")
    if first == "stackgen":
        return "" if rest == "__version__" else _wrong_way(name, rest)
    if first in ("tests", "bench"):
        return "the generator does not know its tests"
    if first in HOMES and not any(_inside(name, home) for home in HOMES[first]):
        return f"{first} belongs to {', '.join(HOMES[first])}"
    return ""


def _wrong_way(name: str, target: str) -> str:
    if not _may(name, target):
        return "imports point from right to left: " + " <- ".join(ROOMS)
    emitter, other = name.split(".")[:2], target.split(".")[:2]
    if len(emitter) > 1 and emitter[0] == other[0] == "emitters" and emitter != other:
        return "an emitter does not import another emitter"
    return ""


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_point_one_way(path: Path) -> None:
    found = _imports(ast.parse(path.read_text()))
    wrong = [f"{path}:{line}: {target}: {why}" for line, target in found if (why := _wrong(_name(path), target))]
    assert wrong == []


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_every_module_stands_in_a_known_room(path: Path) -> None:
    assert _name(path).split(".")[0] in {*ROOMS, *ENTRANCES}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("catalog.signals.queues", "stackgen.emitters.prometheus"),
        ("emitters.grafana", "stackgen.emitters.prometheus.artefacts"),
        ("problem", "stackgen.load.read"),
        ("pipeline", "stackgen.cli.main"),
        ("spec.model", "click.Option"),
        ("render.environment", "yaml.dump"),
        ("write", "subprocess.run"),
        ("cli", "tests.conftest.REPOSITORY"),
        ("cli", "stackgen.helpers.join"),
    ],
)
def test_the_law_sees_a_wrong_import(name: str, target: str) -> None:
    assert _wrong(name, target)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("emitters.grafana.panels", "stackgen.emitters.grafana.layout"),
        ("render.quote", "yaml"),
        ("cli", "stackgen.pipeline.generate"),
        ("verify.tools", "stackgen.problem.ToolMissing"),
        ("cli", "stackgen.__version__"),
    ],
)
def test_the_law_lets_a_right_import_pass(name: str, target: str) -> None:
    assert not _wrong(name, target)
