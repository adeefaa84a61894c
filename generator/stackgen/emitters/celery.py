"""celery/: celery_monitoring.py, joined from the parts of generator/stackgen/app, and newrelic.ini."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Self

from stackgen.artefact import Artefact
from stackgen.catalog.identity import joined
from stackgen.resolve.plan import Plan

PARTS = (
    *("published", "redact", "told", "sink", "lines", "printed", "tasklogs", "logs", "sentry", "apm"),
    *("exposition", "resources", "schedule", "entries", "doing", "holding", "counts", "wire", "kept", "broker"),
    *("endpoint", "health", "keeper", "metrics", "beat", "probe"),
    "entry",
)
"""The parts after settings, in the order of the file; a part uses only names of parts before it."""

FOLDER = Path(__file__).resolve().parent.parent / "app" / "parts"
_OURS = "stackgen.app.parts."
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})


def artefacts(plan: Plan) -> list[Artefact]:
    """The one Python file, and New Relic's where it is switched on."""
    spec = plan.spec
    newrelic = spec.app.newrelic
    name, environment = spec.stack.name, spec.stack.environment
    module = Artefact(
        path="celery/celery_monitoring.py",
        template="celery/celery_monitoring.py.j2",
        syntax="python",
        context={**_sources(), "stack": _stack(plan), "app": _app(plan)},
    )
    ini = Artefact(
        path="celery/newrelic.ini",
        template="celery/newrelic.ini.j2",
        syntax="text",
        context={
            "name": newrelic.app_name or joined(name, environment),
        },
    )
    return [module, ini] if newrelic.enabled else [module]


def _app(plan: Plan) -> dict[str, dict[str, object]]:
    """What stack.yaml says about the file, with nothing left open."""
    app = plan.spec.app.model_dump()
    ports = {port for _, port in _places(plan, "worker") if port.isdecimal()}
    metrics = {
        "enabled": plan.spec.workers_serve,
        "host": plan.spec.app.metrics.host or _host(plan, "worker"),
        "ports": sorted(map(int, ports)),
    }
    beat = {"enabled": plan.spec.beat_serves, "host": plan.spec.app.beat.host or _host(plan, "beat")}
    return {**app, "metrics": {**app["metrics"], **metrics}, "beat": {**app["beat"], **beat}}


def _places(plan: Plan, source: str) -> list[tuple[str, str]]:
    """Host and port of each target."""
    parts = (target.rpartition(":") for target in plan.site.targets.get(source, ()))
    return [(host, port) for host, _, port in parts]


def _host(plan: Plan, source: str) -> str:
    """What an endpoint listens on: only this machine where all its targets are here."""
    hosts = {host for host, _ in _places(plan, source)}
    return "127.0.0.1" if hosts and hosts <= _LOOPBACK else "0.0.0.0"


def _stack(plan: Plan) -> dict[str, object]:
    spec = plan.spec
    return {
        "name": spec.stack.name,
        "environment": spec.stack.environment,
        "app": spec.celery.app,
        "broker": spec.celery.broker.kind,
        "broker_url_env": spec.celery.broker.env,
        "broker_url_file": spec.celery.broker.url_file,
        "broker_transport_options": dict(plan.site.corner.options),
        "broker_use_ssl": plan.site.corner.ssl,
        "queues": list(plan.site.queues),
        "duration_buckets": [float(bound) for bound in plan.site.duration_buckets],
        "wait_buckets": [float(bound) for bound in plan.site.wait_buckets],
    }


@cache
def _sources() -> Mapping[str, object]:
    """The parts without their imports, and the imports of all."""
    read = {name: Part.of((FOLDER / f"{name}.py").read_text(encoding="utf-8")) for name in ("settings", *PARTS)}
    return {
        "imports": _imports(node for part in read.values() for node in part.imports),
        "classes": read["settings"].body,
        "parts": "\n\n\n".join(read[name].body for name in PARTS),
    }


@dataclass(frozen=True)
class Part:
    """One part's text, split: imports at its top, and what follows, without docstring and SETTINGS."""

    imports: tuple[ast.stmt, ...]
    body: str

    @classmethod
    def of(cls, text: str) -> Self:
        """From the text of the module. Only its imports are parsed: all of it takes ten times as long."""
        _docstring, _, code = text.partition('"""\n\n')
        blocks = code.split("\n\n")
        head = list(takewhile(lambda block: block.startswith(("import ", "from ")), blocks))
        body = [block for block in blocks[len(head) :] if not block.startswith("\nSETTINGS = ")]
        return cls(tuple(ast.parse("\n".join(head)).body), "\n\n".join(body).strip("\n"))


def _imports(statements: Iterable[ast.stmt]) -> str:
    """One block of sorted imports: __future__ and the standard library; without the parts' imports of each other."""
    plain: set[str] = set()
    named: dict[str, set[str]] = {}
    for node in statements:
        match node:
            case ast.Import():
                plain.add(ast.unparse(node))
            case ast.ImportFrom(module=str() as module) if module != "__future__" and not module.startswith(_OURS):
                named.setdefault(module, set()).update(map(ast.unparse, node.names))
            case _:
                pass
    lines = sorted(plain) + [_from(module, names) for module, names in sorted(named.items())]
    return "\n".join(["from __future__ import annotations", "", *lines])


def _from(module: str, names: Iterable[str]) -> str:
    return f"from {module} import {', '.join(sorted(names, key=_isort))}"


def _isort(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order that ruff wants."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name
