"""What runs: a Deployment for each program, its Service, who may reach it, and what it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from stackgen.catalog.launch import Limits, Mount, Secret, Variable
from stackgen.emitters.kubernetes.objects import Thing, common, named, thing
from stackgen.resolve.kubernetes import Started
from stackgen.resolve.plan import Plan

PORT = "metrics"
"""Name of the port of every Service that is scraped."""
_STORED = "1Gi"

Texts = Mapping[str, str]


def selected(one: Started, plan: Plan) -> dict[str, str]:
    """Labels that exactly the pods and the Service of this program have."""
    ours = common(plan)
    return {
        "app.kubernetes.io/name": one.scraped.source.host,
        "app.kubernetes.io/instance": ours["app.kubernetes.io/instance"],
    }


def things(one: Started, plan: Plan, texts: Texts) -> Iterator[Thing]:
    """Everything of one program. `texts`: the generated files, by path below output/."""
    name, labels = named(one.scraped.source.host, plan), {"metadata": {"labels": selected(one, plan)}}
    config = {mount: _files(mount, texts) for mount in one.launch.mounts if mount.source.startswith("./")}
    why = one.launch.why or f"{one.scraped.source.title}: {one.scraped.source.link}"
    yield thing("Deployment", name, {**labels, "spec": _deployment(name, one, plan, config)}, plan, why)
    yield thing("Service", name, {**labels, "spec": _service(one, plan)}, plan)
    yield thing("NetworkPolicy", name, {**labels, "spec": _policy(one, plan)}, plan)
    if any(mount.kind == "volume" for mount in one.launch.mounts):
        yield thing("PersistentVolumeClaim", name, {**labels, "spec": _claim()}, plan)
    if config:
        data = {key: text for files in config.values() for key, text in files.items()}
        yield thing("ConfigMap", name, {**labels, "data": data}, plan)


def _files(mount: Mount, texts: Texts) -> dict[str, str]:
    """The generated files of a mounted file or folder, by their names."""
    root = mount.source.removeprefix("./")
    found = {path: text for path, text in texts.items() if path == root or path.startswith(f"{root}/")}
    return {PurePosixPath(path).name: text for path, text in found.items()}


def _deployment(name: str, one: Started, plan: Plan, config: Mapping[Mount, Texts]) -> dict[str, Any]:
    seen = {"checksum/config": sha256(repr(list(config.items())).encode()).hexdigest()[:12]} if config else {}
    uid, gid = map(int, one.launch.user.split(":"))
    return {
        "replicas": 1,
        "strategy": {"type": "Recreate"},  # two would count every event twice, and cannot share a volume
        "selector": {"matchLabels": selected(one, plan)},
        "template": {
            "metadata": {
                "labels": {**common(plan), **selected(one, plan)},
                **({"annotations": seen} if seen else {}),
            },
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": uid,
                    "runAsGroup": gid,
                    "fsGroup": gid,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_container(one, plan)],
                "volumes": _volumes(name, one, plan),
            },
        },
    }


def _container(one: Started, plan: Plan) -> dict[str, Any]:
    launch = one.launch
    environment = [_variable(key, value, plan) for key, value in launch.environment.items()]
    return {
        "name": one.scraped.source.host,
        "image": one.image,
        # An image of the team has an entrypoint of its own.
        **({"command" if launch.image.build else "args": [*map(_literal, launch.command)]} if launch.command else {}),
        **({"env": environment} if environment else {}),
        "ports": [{"name": PORT, "containerPort": one.port}],
        **_probes(one),
        "resources": _resources(launch.limits),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": "read_only" not in launch.exceptions,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            *map(_mounted, launch.mounts),
            *(_secret_mount(secret) for secret in _as_files(one)),
        ],
    }


def _literal(text: str) -> str:
    """Text as a container must be given it to see exactly this: $(NAME) would be expanded."""
    return text.replace("$", "$$")


def _variable(name: str, value: str | Variable, plan: Plan) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": name, "value": _literal(value)}
    key = _key(value.file) if value.file else value.name
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": plan.spec.kubernetes.secret, "key": key}}}


def _key(file: str) -> str:
    return Secret.at(file, "given", "").name


def secrets(one: Started, plan: Plan) -> Iterator[tuple[str, str]]:
    """Every key that a program needs of the Secret, and what it is."""
    for value in one.launch.environment.values():
        if isinstance(value, Variable):
            why = "the broker's address" if value.name == plan.site.broker_env else value.hint
            yield _key(value.file) if value.file else value.name, why
    for secret in _as_files(one):
        yield secret.name, secret.why


def _as_files(one: Started) -> list[Secret]:
    """Those that the program reads itself; the others are in its environment."""
    variables = {v.file for v in one.launch.environment.values() if isinstance(v, Variable)}
    return [secret for secret in one.launch.secrets if secret.target not in variables]


def _probes(one: Started) -> dict[str, Any]:
    """It takes traffic once it answers; it is started anew only when nobody listens, for a broker that is away is no
    reason to forget every count."""
    listens = {"tcpSocket": {"port": PORT}}
    health = one.launch.health
    ready = {"httpGet": {"path": health.path, "port": PORT}, "timeoutSeconds": 10} if health else listens
    return {
        "startupProbe": {**listens, "periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": {**listens, "periodSeconds": 20},
        "readinessProbe": {**ready, "periodSeconds": 20},
    }


def _resources(limits: Limits) -> dict[str, Any]:
    """A quarter of what it may use is set aside for it."""
    cpus, memory = round(1000 * float(limits.cpus)), _mebibytes(limits.memory)
    return {
        "requests": {"cpu": f"{cpus // 4}m", "memory": f"{memory // 4}Mi"},
        "limits": {"cpu": f"{cpus}m", "memory": f"{memory}Mi"},
    }


def _mebibytes(text: str) -> int:
    """Docker's 256M and 1G."""
    return int(text[:-1]) * (1024 if text.endswith("G") else 1)


def _mounted(mount: Mount) -> dict[str, Any]:
    """A generated file stands in its folder by itself; a folder is replaced whole."""
    is_file = bool(PurePosixPath(mount.source).suffix)
    one = {"subPath": PurePosixPath(mount.target).name} if mount.kind == "bind" and is_file else {}
    name = "data" if mount.kind == "volume" else "config"
    return {"name": name, "mountPath": mount.target, **one, "readOnly": mount.read_only}


def _secret_mount(secret: Secret) -> dict[str, Any]:
    return {"name": "secrets", "mountPath": secret.target, "subPath": secret.name, "readOnly": True}


def _volumes(name: str, one: Started, plan: Plan) -> list[dict[str, Any]]:
    files = _as_files(one)
    kinds = {mount.kind for mount in one.launch.mounts}
    secret = {
        "secretName": plan.spec.kubernetes.secret,
        "defaultMode": 0o440,
        "items": [{"key": each.name, "path": each.name} for each in files],
    }
    return [
        {"name": "tmp", "emptyDir": {}},
        *([{"name": "config", "configMap": {"name": name}}] if "bind" in kinds else []),
        *([{"name": "data", "persistentVolumeClaim": {"claimName": name}}] if "volume" in kinds else []),
        *([{"name": "secrets", "secret": secret}] if files else []),
    ]


def _service(one: Started, plan: Plan) -> dict[str, Any]:
    """Also what is not ready is scraped: it says why."""
    ports = [{"name": PORT, "port": one.port, "targetPort": PORT}]
    return {"selector": selected(one, plan), "publishNotReadyAddresses": True, "ports": ports}


def _policy(one: Started, plan: Plan) -> dict[str, Any]:
    """Only Prometheus's namespace reaches it; it may reach the broker, whose address nobody but the Secret knows."""
    space = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": plan.spec.kubernetes.monitoring}}}
    return {
        "podSelector": {"matchLabels": selected(one, plan)},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [space], "ports": [{"protocol": "TCP", "port": PORT}]}],
    }


def _claim() -> dict[str, Any]:
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _STORED}}}
