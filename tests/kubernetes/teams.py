"""Two teams, two environments each, and the objects that are made for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from stackgen import pipeline
from stackgen.spec.scalars import Duration

HERE = Path(__file__).parent
STACKS = sorted(HERE.glob("*/stack*.yaml"))
SMALL = """
version: 1
stack: {name: shop}
celery: {app: shop, broker: {kind: redis}}
queues: {celery: }
outputs: [kubernetes, prometheus]
"""

Object = Mapping[str, Any]


def named(path: Path) -> str:
    """Team and file."""
    return f"{path.parent.name}/{path.name}"


def staged(text: str, folder: Path) -> pipeline.Stage:
    """All that is made of a stack.yaml."""
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    return pipeline.stage(folder / "stack.yaml")


def objects(files: Mapping[str, str]) -> list[Object]:
    """Every object, in the order of the files."""
    texts = (text for path, text in files.items() if path.startswith("kubernetes/") and path.endswith(".yaml"))
    return [one for text in texts for one in yaml.safe_load_all(text) if one["kind"] != "Kustomization"]


def of_kind(files: Mapping[str, str], *kinds: str) -> list[Object]:
    """The objects of these kinds."""
    return [one for one in objects(files) if one["kind"] in kinds]


def groups(files: Mapping[str, str]) -> list[Object]:
    """The rule groups of all PrometheusRules."""
    return [group for one in of_kind(files, "PrometheusRule") for group in one["spec"]["groups"]]


def rule_files(files: Mapping[str, str]) -> list[Object]:
    """The rule groups of prometheus/rules."""
    texts = (text for path, text in files.items() if path.startswith("prometheus/rules/"))
    return [group for text in texts for group in yaml.safe_load(text)["groups"]]


def by_name(found: Iterable[Object]) -> dict[str, Object]:
    """Groups by their names."""
    return {one["name"]: one for one in found}


def as_loaded(found: Iterable[Object]) -> Object:
    """What /api/v1/rules says of a Prometheus that has loaded these groups."""
    return {"groups": [{"name": group["name"], "rules": [*map(_as_loaded, group["rules"])]} for group in found]}


def helm_command(files: Mapping[str, str]) -> str:
    """What the page tells to make a chart's template of the objects, in the folder of a built kustomization."""
    (command,) = re.findall(
        r"^kubectl kustomize \. \| (sed .*) > chart/templates/", files["kubernetes/README.md"], re.M
    )
    return str(command)


def _as_loaded(rule: Object) -> Object:
    hold = float(Duration.of(rule["for"]).seconds) if "for" in rule else 0.0
    return {**rule, "name": rule.get("alert") or rule["record"], "query": rule["expr"], "duration": hold}
