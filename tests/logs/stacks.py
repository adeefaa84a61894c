"""Stacks that send their logs to Loki, and what is generated for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from stackgen import pipeline

ALLOY = "logs/alloy/config.alloy"
LOKI = "logs/loki/loki.yaml"
RULES = "logs/loki/rules/fake/celery-logs-shop-pre--prod.yaml"
STACK = """\
version: 1
stack: {name: shop, environment: pre-prod}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
tasks: {shop.pay: {owner: payments}}
"""
OURS = "{shippers: [alloy]}"
THEIRS = """\
{shippers: [alloy], path: /srv/logs/*.log, loki: {url: "https://loki.example.com/gate/", tenant: shop.eu, user: me,
  password_file: /run/secrets/loki_password, ca_file: /run/secrets/loki_ca}}"""
TOKEN = '{shippers: [alloy], loki: {url: "https://l.example.com", token_file: /run/secrets/loki_token}}'
HOSTILE_NAMES = (
    'say "hi"',
    "back\\slash\\",
    "line\nbreak",
    "{{ $labels.task }}",
    "$task ${x} $$",
    "`tick`",
    "a|b.*",
    "日本",
)

_staged: dict[str, pipeline.Stage] = {}


def staged(folder: Path, logs: str = OURS, more: str = "") -> pipeline.Stage:
    """The stack with this section `logs`, checked offline; made once, for nothing of it depends on the folder."""
    stack, text = folder / "stack.yaml", f"{STACK}logs: {logs}\n{more}"
    stack.write_text(text, encoding="utf-8")
    if text not in _staged:
        _staged[text] = pipeline.stage(stack)
    return _staged[text]


def made(folder: Path, logs: str = OURS, more: str = "") -> Mapping[str, str]:
    """Text by path."""
    return staged(folder, logs, more).files


def rules(files: Mapping[str, str]) -> list[dict[str, Any]]:
    """The alert rules for the ruler."""
    (path,) = (path for path in files if path.startswith("logs/loki/rules/"))
    (group,) = yaml.safe_load(files[path])["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def queries(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every LogQL that is generated, and where: rules, panels, runbooks and pages."""
    if any(path.startswith("logs/loki/rules/") for path in files):
        yield from ((f"rule {rule['alert']}", rule["expr"]) for rule in rules(files))
    for path, text in files.items():
        if path.startswith("grafana/dashboards/"):
            for panel in json.loads(text)["panels"]:
                if panel["type"] == "logs":
                    yield from ((f"{path}: {panel['title']}", target["expr"]) for target in panel["targets"])
        elif path.endswith(".md"):
            for block in text.split("```logql\n")[1:]:
                yield path, block.partition("\n```")[0]
