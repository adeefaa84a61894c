"""Whether objects find each other: what a cluster takes without a word, and then nothing happens."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stackgen.problem import Problem
from stackgen.spec.kubernetes import Kubernetes
from stackgen.verify.objects.found import FOLDER, KUSTOMIZATION, Found

MOST = 262_144
"""Bytes of JSON that kubectl apply and Argo CD can keep in an annotation; a ConfigMap may have four times as much."""
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|k|M|G|)")
_SCALE = {"m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_NO_SECRETS = frozenset({"alertmanager.yaml"})

Findings = Iterator[Problem]
Objects = Sequence[Found]


def problems(found: Objects, namespace: str, settings: Kubernetes) -> Findings:
    """Everything that is wrong between the objects, and with the names that tie them."""
    objects = [one for one in found if one.path != KUSTOMIZATION]
    yield from _kustomization(found)
    for one in objects:
        yield from _identity(one, namespace, settings)
    for key, count in Counter((one.kind, one.name) for one in objects).items():
        if count > 1:
            twice = next(one for one in objects if (one.kind, one.name) == key)
            yield twice.problem("object-twice", f"there are {count} of this kind and name")
    for one in objects:
        if one.kind == "Secret":
            yield from _secret(one)
        elif one.kind in _BETWEEN:
            yield from _BETWEEN[one.kind](one, objects)


def _kustomization(found: Objects) -> Findings:
    files = {one.path.removeprefix(f"{FOLDER}/") for one in found} - {"kustomization.yaml"}
    for one in found:
        if one.path == KUSTOMIZATION:
            listed = set(one.data.get("resources") or ())
            for path in sorted(listed ^ files):
                what = "lists a file that is not there" if path in listed else "does not list a file"
                yield one.problem("kustomization", f"{what}: {path}")


def _identity(one: Found, namespace: str, settings: Kubernetes) -> Findings:
    if not _NAME.fullmatch(one.name):
        yield one.problem("object-name", f"expected lower-case letters, digits, - and ., got {one.name!r}")
    if one.metadata.get("namespace") != namespace:
        yield one.problem("object-namespace", f"expected {namespace}, got {one.metadata.get('namespace')}")
    for name, value in settings.labels.items():
        if one.labels.get(name) != value:
            yield one.problem("object-label", f"the label {name}: {value} is missing: no selector finds it")
    for name, value in one.labels.items():
        if not _LABEL.fullmatch(str(value)):
            yield one.problem("object-label", f"{value!r} cannot be the value of the label {name}")
    size = len(json.dumps(one.data, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MOST:
        yield one.problem("object-size", f"has {size} bytes, and no more than {MOST} can be applied by every tool")


def _deployment(one: Found, objects: Objects) -> Findings:
    template = one.spec.get("template", {})
    if not _takes(one.spec.get("selector", {}).get("matchLabels"), template.get("metadata", {}).get("labels", {})):
        yield one.problem("object-selector", "its selector does not select its own pods")
    pod = template.get("spec", {})
    volumes = {volume.get("name"): volume for volume in pod.get("volumes", ())}
    for container in pod.get("containers", ()):
        for rule, message in _container(container, volumes):
            yield one.problem(rule, message)
    for volume in volumes.values():
        claim, held = volume.get("persistentVolumeClaim", {}).get("claimName"), volume.get("configMap", {}).get("name")
        for kind, name in (("PersistentVolumeClaim", claim), ("ConfigMap", held)):
            if name and not any((other.kind, other.name) == (kind, name) for other in objects):
                yield one.problem("object-reference", f"there is no {kind} {name}")


def _container(container: Mapping[str, Any], volumes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not _IMAGE.fullmatch(str(container.get("image", ""))):
        yield "object-image", f"expected an image with a tag or digest, got {container.get('image')!r}"
    for mount in container.get("volumeMounts", ()):
        if mount.get("name") not in volumes:
            yield "object-reference", f"mounts the volume {mount.get('name')}, which is not there"
    ports = [port.get("name") for port in container.get("ports", ())]
    variables = [variable.get("name", "") for variable in container.get("env", ())]
    for name in variables:
        if not _VARIABLE.fullmatch(name) or variables.count(name) > 1:
            yield "object-variable", f"{name!r} is no name of a variable, or there twice"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container.get(probe, {}).get("httpGet") or container.get(probe, {}).get("tcpSocket") or {}
        if isinstance(asked.get("port"), str) and asked["port"] not in ports:
            yield "object-port", f"{probe} asks the port {asked['port']}, which the container has not"
    yield from _resources(container.get("resources", {}))


def _resources(resources: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    limits = resources.get("limits", {})
    for what, text in [*limits.items(), *resources.get("requests", {}).items()]:
        if not _QUANTITY.fullmatch(str(text)):
            yield "object-quantity", f"{text!r} is no quantity of {what}"
        elif what in limits and _amount(text) > _amount(limits[what]):
            yield "object-quantity", f"asks for {text} of {what}, and is limited to {limits[what]}"


def _amount(text: object) -> float:
    found = _QUANTITY.fullmatch(str(text))
    return float(found[1]) * _SCALE[found[2]] if found else 0.0


def _service(one: Found, objects: Objects) -> Findings:
    pods = [other for other in objects if other.kind == "Deployment" and _takes(one.spec.get("selector"), _pods(other))]
    if len(pods) != 1:
        yield one.problem("object-selector", f"selects the pods of {len(pods)} Deployments, expected 1")
    for port in one.spec.get("ports", ()):
        if pods and isinstance(port.get("targetPort"), str) and port["targetPort"] not in _ports(pods[0]):
            yield one.problem("object-port", f"leads to the port {port['targetPort']}, which no container has")


def _monitor(one: Found, objects: Objects) -> Findings:
    """A port that does not exist is accepted, and finds nothing."""
    wanted, spaces = one.spec.get("selector", {}).get("matchLabels"), one.spec.get("namespaceSelector", {})
    places = spaces.get("matchNames") or [one.metadata.get("namespace")]
    services = [o for o in objects if o.kind == "Service" and _takes(wanted, o.labels)]
    services = [o for o in services if o.metadata.get("namespace") in places]
    if not services:
        yield one.problem("object-selector", "selects no Service")
    for page in one.spec.get("endpoints", ()):
        for service in services:
            names = [port.get("name") for port in service.spec.get("ports", ())]
            if page.get("port") not in names:
                yield one.problem("object-port", f"scrapes the port {page.get('port')}; {service.name} has {names}")


def _policy(one: Found, objects: Objects) -> Findings:
    selector = one.spec.get("podSelector", {}).get("matchLabels")
    pods = [o for o in objects if o.kind == "Deployment" and _takes(selector, _pods(o))]
    if not pods:
        yield one.problem("object-selector", "protects no pod of ours")
    for rule in one.spec.get("ingress", ()):
        for port in rule.get("ports", ()):
            if pods and isinstance(port.get("port"), str) and port["port"] not in _ports(pods[0]):
                yield one.problem("object-port", f"opens the port {port['port']}, which no container has")


def _secret(one: Found) -> Findings:
    held = {*(one.data.get("data") or ()), *(one.data.get("stringData") or ())}
    for key in sorted(held - _NO_SECRETS):
        yield one.problem("object-secret", f"holds a value for {key}: secrets are references")


def _takes(selector: object, labels: Mapping[str, Any]) -> bool:
    """Whether these labels are selected; nothing selects all."""
    return isinstance(selector, Mapping) and bool(selector) and selector.items() <= labels.items()


def _pods(deployment: Found) -> Mapping[str, Any]:
    labels: Mapping[str, Any] = deployment.spec.get("template", {}).get("metadata", {}).get("labels", {})
    return labels


def _ports(deployment: Found) -> set[str]:
    containers = deployment.spec.get("template", {}).get("spec", {}).get("containers", ())
    return {port.get("name") for container in containers for port in container.get("ports", ())}


_BETWEEN: Mapping[str, Callable[[Found, Objects], Findings]] = {
    "Deployment": _deployment,
    "NetworkPolicy": _policy,
    "Service": _service,
    "ServiceMonitor": _monitor,
}
"""By kind, what is wrong between one such object and the others."""
