"""celery/: celery_monitoring.py, joined from the parts of generator/app, and newrelic.ini."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from generator.artefact import Artefact
from generator.resolve.plan import Plan

PARTS = (
    *("published", "redact", "logs", "tasklogs", "apm"),
    *("exposition", "counts", "resources", "broker", "endpoint", "health", "metrics", "probe"),
    "entry",
)
"""The parts after settings, in the order of the file; a part uses only names of parts before it."""

_FOLDER = Path(__file__).resolve().parent.parent / "app" / "parts"
_OURS = "generator.app.parts."


def plan(stack: Plan) -> list[Artefact]:
    """The one Python file, and New Relic's where it is switched on."""
    spec = stack.spec
    newrelic = spec.app.newrelic
    name, environment = spec.stack.name, spec.stack.environment
    module = Artefact(
        path="celery/celery_monitoring.py",
        template="celery/celery_monitoring.py.j2",
        syntax="python",
        context={**_sources(), "stack": _stack(stack), "app": spec.app.model_dump()},
    )
    ini = Artefact(
        path="celery/newrelic.ini",
        template="celery/newrelic.ini.j2",
        syntax="text",
        context={
            "name": newrelic.app_name or f"{name}-{environment}",
        },
    )
    return [module, ini] if newrelic.enabled else [module]


def _stack(stack: Plan) -> dict[str, object]:
    spec = stack.spec
    return {
        "name": spec.stack.name,
        "environment": spec.stack.environment,
        "app": spec.celery.app,
        "broker": spec.celery.broker.kind,
        "broker_url_env": spec.celery.broker.env,
        "broker_url_file": spec.celery.broker.url_file,
        "queues": list(spec.queues),
        "duration_buckets": [float(bound) for bound in stack.site.duration_buckets],
        "wait_buckets": [float(bound) for bound in stack.site.wait_buckets],
    }


@cache
def _sources() -> Mapping[str, object]:
    """The parts without their imports, and the imports of all."""
    trees = {name: (_FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in ("settings", *PARTS)}
    read = {name: Part(name, text) for name, text in trees.items()}
    refuse_names_twice(read.values())
    return {
        "imports": imports(part.imports for part in read.values()),
        "classes": read["settings"].body,
        "parts": "\n\n\n".join(read[name].body for name in PARTS),
    }


class Part:
    """One part's text, split: imports at its top, and what follows, without docstring and SETTINGS."""

    def __init__(self, name: str, text: str) -> None:
        lines = text.splitlines()
        self.name = name
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self.names: set[str] = set()
        dropped: set[int] = set()
        tree = ast.parse(text)
        for position, node in enumerate(tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imports.append(node)
            elif not (position == 0 and isinstance(node, ast.Expr)) and _bound(node) != {"SETTINGS"}:
                self.names |= _bound(node)
                continue
            dropped |= _lines(node)
        for inner in ast.walk(tree):
            if isinstance(inner, ast.ImportFrom) and (inner.module or "").startswith(_OURS):
                dropped |= _lines(inner)
                if not "".join(lines[inner.lineno : inner.lineno + 1]).strip():
                    dropped.add(inner.lineno + 1)
        self.body = "\n".join(line for number, line in enumerate(lines, 1) if number not in dropped).strip("\n")


def _lines(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _bound(node: ast.stmt) -> set[str]:
    """Names that a statement at the top of a module gives."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case _:
            return set()


def refuse_names_twice(parts: Iterable[Part]) -> None:
    """Raises ValueError: in one file the second would silently win."""
    owner: dict[str, str] = {}
    for part in parts:
        for name in sorted(part.names):
            if other := owner.get(name):
                message = (
                    f"generator/app/parts: {name} stands in {other}.py and in {part.name}.py, which become one file"
                )
                raise ValueError(message)
            owner[name] = part.name


def imports(parts: Iterable[Iterable[ast.Import | ast.ImportFrom]]) -> str:
    """One block of sorted imports: __future__ and the standard library; without the parts' imports of each other."""
    plain: set[str] = set()
    named: dict[str, set[str]] = {}
    for node in (node for part in parts for node in part):
        if isinstance(node, ast.Import):
            plain |= {ast.unparse(ast.Import([alias])) for alias in node.names}
        elif not (node.module or "").startswith(_OURS):
            names = named.setdefault(node.module or "", set())
            names |= {f"{a.name} as {a.asname}" if a.asname else a.name for a in node.names}
    lines = sorted(plain) + [_from(module, names) for module, names in sorted(named.items()) if module != "__future__"]
    return "\n".join(["from __future__ import annotations", "", *lines])


def _from(module: str, names: Iterable[str]) -> str:
    return f"from {module} import {', '.join(sorted(names, key=_isort))}"


def _isort(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order that ruff wants."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name
