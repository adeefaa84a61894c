"""What every object has: its kind, its name, and the labels by which others find it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stackgen.artefact import Artefact
from stackgen.catalog.identity import joined
from stackgen.resolve.plan import Plan

_OPERATOR = "monitoring.coreos.com/"
VERSIONS: Mapping[str, str] = {
    "AlertmanagerConfig": f"{_OPERATOR}v1alpha1",
    "ConfigMap": "v1",
    "Deployment": "apps/v1",
    "ExternalSecret": "external-secrets.io/v1",
    "GrafanaDashboard": "grafana.integreatly.org/v1beta1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PersistentVolumeClaim": "v1",
    "PodMonitor": f"{_OPERATOR}v1",
    "PrometheusRule": f"{_OPERATOR}v1",
    "ScrapeConfig": f"{_OPERATOR}v1alpha1",
    "Secret": "v1",
    "Service": "v1",
    "ServiceMonitor": f"{_OPERATOR}v1",
}
"""Of each kind the version that is written."""
LONGEST_NAME = 52
"""Of what becomes the name of pods: these get up to 11 characters more, and a label has no more than 63."""
_LONGEST_LABEL = 63


@dataclass(frozen=True)
class Thing:
    """One object, and what is said above it."""

    data: Mapping[str, Any]
    why: str = ""


def thing(kind: str, name: str, body: Mapping[str, Any], plan: Plan, why: str = "") -> Thing:
    """An object in the stack's namespace, with the labels and annotations that stack.yaml gives every one.

    `body`: everything beside metadata; what it has under `metadata` is added there.
    """
    settings = plan.spec.kubernetes
    extra = body.get("metadata", {})
    annotations = {**settings.annotations, **extra.get("annotations", {})}
    metadata = {
        "name": name,
        "namespace": plan.spec.namespace,
        "labels": {**common(plan), **settings.labels, **extra.get("labels", {})},
        **({"annotations": annotations} if annotations else {}),
    }
    rest = {key: value for key, value in body.items() if key != "metadata"}
    return Thing({"apiVersion": VERSIONS[kind], "kind": kind, "metadata": metadata, **rest}, why)


def common(plan: Plan) -> dict[str, str]:
    """Labels that say whose an object is."""
    return {
        "app.kubernetes.io/part-of": "celery-monitoring",
        "app.kubernetes.io/instance": instance(plan),
        "app.kubernetes.io/managed-by": "stackgen",
    }


def instance(plan: Plan) -> str:
    """Stack and environment as the value of a label."""
    return joined(plan.spec.stack.name, plan.spec.stack.environment, longest=_LONGEST_LABEL)


def named(what: str, plan: Plan) -> str:
    """The name of an object that no other stack has in the namespace."""
    ours = joined(plan.spec.stack.name, plan.spec.stack.environment, longest=LONGEST_NAME - len(what))
    return f"{what}-{ours}"


def file(path: str, things: Iterable[Thing]) -> Artefact:
    """One file below kubernetes/ with these objects."""
    return Artefact(
        f"kubernetes/{path}",
        "kubernetes/objects.yaml.j2",
        syntax="yaml",
        context={"objects": [{"data": one.data, "why": one.why or None} for one in things]},
    )
