"""kubernetes/: objects for a cluster with the Prometheus Operator, and the kustomization that lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from stackgen.artefact import Artefact
from stackgen.emitters.kubernetes import monitors, page, routing, rules, secrets, workloads
from stackgen.emitters.kubernetes.objects import Thing, file, named, thing
from stackgen.resolve import kubernetes
from stackgen.resolve.plan import Plan

HOLDS = ("alertmanager", "celery", "flower", "grafana")
"""Kinds of output whose files stand in objects, wanted by themselves or not."""
_DASHBOARDS = "grafana/dashboards/"


def artefacts(plan: Plan) -> list[Artefact]:
    """What holds no other file."""
    found = [*rules.artefacts(plan)]
    if scraped := [*monitors.things(plan)]:
        found.append(file("monitors.yaml", scraped))
    if routed := [*routing.things(plan)]:
        found.append(file("alertmanagerconfig.yaml", routed))
    if fetched := [*secrets.things(plan)]:
        found.append(file("external-secrets.yaml", fetched))
    return [*found, page.artefact(plan)]


def holding(plan: Plan, texts: Mapping[str, str]) -> list[Artefact]:
    """What holds the texts of generated files, by path below output/; and the list of all objects."""
    found = [*_programs(plan, texts), *_dashboards(plan, texts), *_alertmanager(plan, texts)]
    paths = [one.path for one in (*artefacts(plan), *found) if one.path.endswith(".yaml")]
    return [*found, _kustomization(paths, plan)]


def _programs(plan: Plan, texts: Mapping[str, str]) -> Iterator[Artefact]:
    for one in kubernetes.started(plan):
        yield file(f"{one.scraped.source.host}.yaml", workloads.things(one, plan, texts))


def _alertmanager(plan: Plan, texts: Mapping[str, str]) -> Iterator[Artefact]:
    """A whole configuration, which names files only: no secret stands in this Secret."""
    if plan.spec.kubernetes.routing == "secret":
        data = {"stringData": {"alertmanager.yaml": texts["alertmanager/subtree.yml"]}}
        why = "For configSecret of an Alertmanager of your own. It names files of secrets, and holds none."
        yield file("alertmanager.yaml", [thing("Secret", named("alertmanager", plan), data, plan, why)])


def _dashboards(plan: Plan, texts: Mapping[str, str]) -> Iterator[Artefact]:
    for path, text in texts.items():
        if path.startswith(_DASHBOARDS):
            name = PurePosixPath(path).stem
            yield file(f"dashboards/{name}.yaml", [_dashboard(name, text, plan)])


def _dashboard(name: str, text: str, plan: Plan) -> Thing:
    settings = plan.spec.kubernetes.dashboards
    folder = plan.site.titled("Celery")
    if settings.kind == "grafana-operator":
        body: dict[str, Any] = {"instanceSelector": {"matchLabels": dict(settings.labels)}, "folder": folder}
        body |= {"allowCrossNamespaceImport": True, "json": text}
        return thing("GrafanaDashboard", named(name, plan), {"spec": body}, plan)
    metadata = {"labels": dict(settings.labels), "annotations": {settings.folder_annotation: folder}}
    file_name = f"{named(name, plan)}.json"  # the sidecar writes all of them into one folder
    return thing("ConfigMap", named(name, plan), {"metadata": metadata, "data": {file_name: text}}, plan)


def _kustomization(paths: list[str], plan: Plan) -> Artefact:
    data = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": plan.spec.namespace,
        "resources": sorted(path.removeprefix("kubernetes/") for path in paths),
    }
    why = (
        "kubectl apply --server-side -k . applies all of it; to change something, name this folder in a kustomization."
    )
    return file("kustomization.yaml", [Thing(data, why)])
