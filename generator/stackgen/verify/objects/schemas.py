"""The schemas of Kubernetes itself, of the Prometheus Operator and of Grafana's, where they are on the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from stackgen.problem import Problem
from stackgen.verify import tools
from stackgen.verify.objects.found import KUSTOMIZATION, Found

CLUSTERS = ("1.25", "1.37")
"""The oldest and the newest version that kubernetes-validate knows."""


def problems(one: Found) -> Iterator[Problem]:
    """Keys that do not exist, values of the wrong kind, and what is missing; nothing without kubernetes-validate."""
    try:
        import kubernetes_validate as strict  # type: ignore[import-untyped]  # has no stubs
    except ImportError:
        return
    api = f"{one.data.get('apiVersion')}/{one.kind}"
    if one.path == KUSTOMIZATION:
        return
    if "." in api.partition("/")[0].removesuffix(".k8s.io"):
        yield from _foreign(one, api)
        return
    for version in CLUSTERS:
        try:
            strict.validate(dict(one.data), version, strict=True)
        except strict.ValidationError as error:
            yield one.problem("object-schema", f"Kubernetes {version}: {error.message} ({_at(error.path)})")
            return
        except (strict.SchemaNotFoundError, strict.InvalidSchemaError) as error:
            yield one.problem("object-schema", f"Kubernetes {version} has no such kind: {error}")
            return


def _foreign(one: Found, api: str) -> Iterator[Problem]:
    """Kinds that a cluster has only with an operator; nothing where their schemas were not fetched."""
    from jsonschema import Draft202012Validator  # which kubernetes-validate needs too

    schemas = _schemas()
    if schemas and api not in schemas:
        yield one.problem("object-schema", f"no operator knows {api}")
    elif schemas:
        for error in Draft202012Validator(schemas[api]).iter_errors(one.data):
            yield one.problem("object-schema", f"{error.message[:200]} ({_at(error.absolute_path)})")


def _at(path: object) -> str:
    return ".".join(map(str, path)) if hasattr(path, "__iter__") and not isinstance(path, str) else str(path)


@lru_cache(maxsize=1)
def _schemas() -> dict[str, Any]:
    """By version and kind; empty outside of a checkout and before `make tools`."""
    file = tools.UNPACKED / "kubernetes" / "schemas.json"
    held: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return held
