"""Thirty faults, each found before anybody applies it: those a cluster refuses, and those it takes without a word."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from stackgen import pipeline
from stackgen.verify.objects import relations
from stackgen.verify.objects.found import read
from stackgen.verify.written import kubernetes
from tests.kubernetes.teams import STACKS, named

pytestmark = [pytest.mark.promtool, pytest.mark.slow]

STACK = next(path for path in STACKS if named(path) == "kube-prometheus-stack/stack.yaml")
EXPORTER, MONITORS, ROUTES = "celery-exporter.yaml", "monitors.yaml", "alertmanagerconfig.yaml"
RULES, BOARD = "rules/celery-stack-shop-production.yaml", "dashboards/celery-queues.yaml"


class Fault(NamedTuple):
    """In one file a text becomes another, and these words are said of it."""

    file: str
    old: str
    new: str
    said: str


def _rule(text: str, said: str = "object-rules") -> Fault:
    """One more rule, before the first."""
    return Fault(RULES, "        - record:", f"        - {text}\n        - record:", said)


NAME = "app.kubernetes.io/name"
SELECTED = f"matchLabels:\n      {NAME}: celery-exporter"
NOBODY = "matchLabels:\n      a: b"
SERVICE = "apiVersion: v1\nkind: Service\n"
CRITICAL = "matchType: '='\n            value: critical"
FAULTS = {
    # what the API server refuses, or warns of
    "misspelt field": Fault(EXPORTER, "replicas: 1", "replcas: 1", "replcas"),
    "wrong type": Fault(EXPORTER, "replicas: 1", "replicas: '1'", "is not of type 'integer'"),
    "number in a variable": Fault(EXPORTER, "env:\n", "env:\n            - {name: A, value: 1}\n", "1 is"),
    "missing field": Fault(EXPORTER, "port: 9808\n      ", "", "'port' is a required"),
    "bad quantity": Fault(EXPORTER, "'256Mi'", "1GB", "1GB"),
    "request over limit": Fault(EXPORTER, "memory: '64Mi'", "memory: 2Gi", "is limited to 256Mi"),
    "own pods not selected": Fault(EXPORTER, SELECTED, NOBODY, "own pods"),
    "unknown volume": Fault(EXPORTER, "name: tmp\n              mount", "name: x\n              mount", "volume x"),
    "label too long": Fault(EXPORTER, "release: kps", f"release: {'k' * 64}", "cannot be the value of the label"),
    "name in capitals": Fault(EXPORTER, "name: celery-exporter-shop", "name: Celery-shop", "lower-case letters"),
    "key twice": Fault(EXPORTER, "  replicas: 1", "  replicas: 1\n  replicas: 2", "'replicas' is written twice"),
    "object twice": Fault("flower.yaml", "kind: Service\n", "kind: NetworkPolicy\n", "2 of this kind and name"),
    "unknown key of a monitor": Fault(MONITORS, "interval: 30s", "intervall: 30s", "'intervall' was unexpected"),
    "bad duration of a monitor": Fault(MONITORS, "interval: 30s", "interval: 30 s", "'30 s' does not match"),
    "unknown key of a rule": _rule("{alert: A, exprr: b}", "exprr"),
    "unknown action": Fault(MONITORS, "action: drop", "action: dropp", "dropp"),
    # what it takes, and then nothing happens
    "label of the operator missing": Fault(RULES, "    release: kps\n", "", "release: kps is missing"),
    "scraped port not there": Fault(MONITORS, "- port: metrics", "- port: metrix", "scrapes the port metrix"),
    "target port not there": Fault(EXPORTER, "targetPort: metrics", "targetPort: web", "leads to the port web"),
    "probed port not there": Fault(EXPORTER, "health\n              port: metrics", "h\n              port: a", "asks"),
    "monitor that selects nothing": Fault(MONITORS, SELECTED, NOBODY, "selects no Service"),
    "policy for nobody": Fault(EXPORTER, f"podSelector:\n    {SELECTED}", f"podSelector:\n    {NOBODY}", "protects no"),
    "image with a space": Fault(EXPORTER, "image: danihodovic/", "image: dani hodovic/", "expected an image"),
    "variable with a space": Fault(EXPORTER, "name: CE_BROKER_URL", "name: CE BROKER", "no name of a variable"),
    "other namespace": Fault(EXPORTER, "  namespace: shop", "  namespace: shopp", "expected shop, got shopp"),
    "file that is not applied": Fault("kustomization.yaml", "  - flower.yaml\n", "", "not list a file: flower.yaml"),
    "value of a secret": Fault(EXPORTER, SERVICE, "apiVersion: v1\nkind: Secret\ndata: {a: b}\n", "are references"),
    "too large": Fault(BOARD, "\ndata:\n", f"\nbinaryData: {{a: {'A' * 262_144}}}\ndata:\n", "no more than 262144"),
    # what the operator leaves out, or what stops Alertmanager
    "bad PromQL": _rule("{record: a, expr: 'sum('}"),
    "bad template": Fault(RULES, "{{ $labels.missing }}", "{{ $labels.missing }", "object-rules"),
    "for of a recording rule": _rule("{record: a, expr: b, for: 5m}"),
    "bad regex of a route": Fault(ROUTES, CRITICAL, CRITICAL.replace("=", "=~", 1) + "(", "object-routes"),
    "bad duration of a child route": Fault(ROUTES, "repeatInterval: 1h", "repeatInterval: 1 h", "1 h"),
    "unknown receiver": Fault(ROUTES, "receiver: oncall", "receiver: onccall", "undefined receiver"),
    "unknown key of a child route": Fault(ROUTES, "groupInterval: 1m", "groupIntervall: 1m", "groupIntervall"),
    "another receiver": Fault(ROUTES, "critical\n        receiver: oncall", "critical\n        receiver: chat", "told"),
    "other namespace of the routes": Fault(ROUTES, "  namespace: shop", "  namespace: shopp", "to be told"),
}


@cache
def _made(stack: Path = STACK) -> pipeline.Stage:
    return pipeline.stage(stack)


def _judged(output: Path, change: Callable[[str, str], str], changed: str = "", stack: Path = STACK) -> str:
    """All objects against each other, and those of the changed file by themselves."""
    made = _made(stack)
    for path, text in made.files.items():
        if path.startswith("kubernetes/"):
            (output / path).parent.mkdir(parents=True, exist_ok=True)
            (output / path).write_text(change(path, text), encoding="utf-8")
    paths = [path for path in made.files if path.startswith("kubernetes/") and path.endswith(".yaml")]
    plan = made.prepared.plan
    if not changed:
        return "\n".join(map(str, kubernetes.asked(output, paths, plan)))
    found, wrong = read(output, paths)
    wrong += relations.problems(found, plan.spec.namespace, plan.spec.kubernetes)
    for one in found:
        wrong += kubernetes.alone(one, plan) if one.path == changed else ()
    return "\n".join(map(str, wrong))


@pytest.mark.parametrize("stack", [path for path in STACKS if path.name == "stack.yaml"], ids=named)
def test_nothing_is_said_of_what_is_generated(stack: Path, tmp_path: Path) -> None:
    assert _judged(tmp_path, lambda _, text: text, stack=stack) == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]

    def planted(path: str, text: str) -> str:
        if path != f"kubernetes/{fault.file}":
            return text
        assert fault.old in text
        return text.replace(fault.old, fault.new, 1)

    said = _judged(tmp_path, planted, f"kubernetes/{fault.file}")
    assert fault.said in said
    assert f"kubernetes/{fault.file}" in said
