"""The services as values for the templates: docker-compose.yml, .env.example, the demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256

from stackgen.artefact import Artefact
from stackgen.catalog.launch import Mount, Secret
from stackgen.emitters.compose import cloudwatch, demo, elk, loki
from stackgen.emitters.compose import services as always
from stackgen.emitters.compose.parts import SECRETS, Service, literal
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import Logs, Shipper
from stackgen.spec.services import ServiceSpec

_NETWORKS = {
    "frontend": ("Web interfaces, and the way out to receivers of alerts.", False),
    "backend": ("Scraping; nothing on it can reach the outside.", True),
    "engine": ("Prometheus and what asks the container engine, and nobody else.", True),
    "broker": ("The broker, which may be outside.", False),
    "outside": ("The way out to Amazon CloudWatch.", False),
}

_SHIPPERS: Mapping[Shipper, Callable[[Plan, Logs], Iterator[Service]]] = {
    "filebeat": elk.services,
    "alloy": loki.services,
    "cloudwatch": cloudwatch.services,
}
"""A shipper's services, and those of its backend when that is ours."""

_PROFILES = {
    "demo": "an application to watch; it fails on purpose, so within ten minutes alerts page whoever is on call",
    "elk": "Elasticsearch and Kibana for its logs",
    "loki": "Loki for its logs",
    "cloudwatch": "the CloudWatch agent, which needs an account of AWS",
}


def artefacts(plan: Plan) -> list[Artefact]:
    """What docker-compose.yml needs, beside the files of the other outputs."""
    return [_env(plan), *demo.files(plan), *_config_files(plan)]


def secrets(plan: Plan) -> list[Secret]:
    """Every secret file that a container mounts."""
    return _distinct(_services(plan))


def _distinct(services: list[Service]) -> list[Secret]:
    """By name: two services may be given one file, for reasons of their own."""
    found: dict[str, Secret] = {}
    for secret in (secret for service in services for secret in service.secrets):
        first = found.setdefault(secret.name, secret)
        if secret.why not in first.why:
            found[secret.name] = replace(first, why=f"{first.why}; {secret.why}")
    return list(found.values())


def _services(plan: Plan) -> list[Service]:
    logs = _sent(plan)
    shippers = [one for name, of in _SHIPPERS.items() if logs and name in logs.shippers for one in of(plan, logs)]
    made = [*always.services(plan), *shippers, *demo.services(plan)]
    here = plan.spec.compose.services
    return [_tuned(one, here[one.name]) if one.name in here else one for one in made]


def names(plan: Plan) -> list[str]:
    """The name of every service."""
    return [service.name for service in _services(plan)]


def mounted(plan: Plan) -> list[tuple[str, str, list[str]]]:
    """Each service's name, its uid:gid, and the paths below output/ that it mounts, secrets too."""
    return [
        (
            one.name,
            one.user,
            [m.source for m in one.mounts if m.source.startswith("./")] + [f"{SECRETS}/{s.name}" for s in one.secrets],
        )
        for one in _services(plan)
    ]


def _tuned(service: Service, here: ServiceSpec) -> Service:
    """The service as stack.yaml wants it on this host."""
    name, _, digest = service.image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    limits = replace(
        service.limits,
        cpus=here.cpus or service.limits.cpus,
        memory=f"{here.memory}b" if here.memory else service.limits.memory,
    )
    return replace(
        service,
        image=f"{here.image}:{tag}{'@' if digest else ''}{digest}" if here.image else service.image,
        user=here.user or service.user,
        limits=limits,
        joined=tuple(here.networks),
        extra_hosts=tuple(here.extra_hosts),
    )


def _sent(plan: Plan) -> Logs | None:
    """The section `logs`, when the files that shippers mount are generated."""
    return plan.spec.logs if plan.spec.wants("logs") else None


def project(plan: Plan, files: Mapping[str, str]) -> Artefact:
    """docker-compose.yml; `files` is the text of every other file by its path, for the label that says what changed."""
    services = _services(plan)
    volumes = {m.source: None for service in services for m in service.mounts if m.kind == "volume"}
    return Artefact(
        path="docker-compose.yml",
        template="compose/docker-compose.yml.j2",
        syntax="yaml",
        context={
            "name": plan.spec.compose.project or f"{plan.site.slug}-monitoring",
            "secrets_folder": SECRETS,
            "profiles": [{"name": name, "why": _PROFILES[name]} for name in _profiles(services)],
            "services": [_service(service, services, files, plan.spec.compose.selinux) for service in services],
            "networks": _networks(plan, services),
            "joined": list(dict.fromkeys(name for service in services for name in service.joined)) or None,
            "volumes": list(volumes),
            "secrets": [{"name": s.name, "file": f"./{SECRETS}/{s.name}", "why": s.why} for s in _distinct(services)]
            or None,
        },
    )


def _profiles(services: list[Service]) -> list[str]:
    used = {profile for service in services for profile in service.profiles}
    return [name for name in _PROFILES if name in used]


def _service(service: Service, every: list[Service], files: Mapping[str, str], selinux: bool) -> dict[str, object]:
    """One service as the template lays it out: single settings, then mappings, then lists."""
    mappings = {
        "labels": _labels(service, files),
        "environment": service.environment,
        "depends_on": _depends(service, every),
    }
    lists = {
        "ports": [{"host_ip": "127.0.0.1", "published": out, "target": port} for out, port in service.ports.items()],
        "volumes": [_mount(mount, selinux) for mount in service.mounts],
        "secrets": [{"source": secret.name, "target": literal(secret.target)} for secret in service.secrets],
    }
    words = {"entrypoint": service.entrypoint, "command": service.command}
    settings: dict[str, object] = {
        "expose": [str(port) for port in service.expose],
        "networks": [*service.networks, *service.joined],
        "extra_hosts": list(service.extra_hosts),
        "restart": service.restart,
        "read_only": "read_only" not in service.exceptions,
        "tmpfs": list(service.tmpfs),
    }
    return {
        "name": service.name,
        "why": service.why,
        "notes": [*(f"Exception, {what}: {why}" for what, why in service.exceptions.items()), *service.notes],
        "image": service.image,
        "seen": service.seen,
        "build": service.build or None,
        "profiles": list(service.profiles) or None,
        "user": service.user,
        "pid": service.pid or None,
        "cgroup": service.cgroup or None,
        "words": [(name, list(words)) for name, words in words.items() if words],
        "settings": [(name, value) for name, value in settings.items() if value != []],
        "mappings": [(name, list(pairs.items())) for name, pairs in mappings.items() if pairs],
        "lists": [(name, items) for name, items in lists.items() if items],
        "health": service.health,
        "limits": {"cpus": service.limits.cpus, "memory": service.limits.memory, "pids": service.limits.pids},
    }


def _labels(service: Service, files: Mapping[str, str]) -> dict[str, str]:
    """A checksum of the generated files it mounts: `up -d` makes a service anew when this changes, and only then."""
    roots = tuple(m.source.removeprefix("./") for m in service.mounts if m.source.startswith("./"))
    seen = {
        path: text for path, text in sorted(files.items()) if any(path == r or path.startswith(f"{r}/") for r in roots)
    }
    return {"stackgen.files": sha256(repr(seen).encode()).hexdigest()[:12]} if seen else {}


def _depends(service: Service, every: list[Service]) -> dict[str, object]:
    """What must be up before; what may not be there, because its profile is off, is not required."""
    profiles = {other.name: set(other.profiles) for other in every}
    return {
        name: {"condition": condition, "required": profiles[name] <= set(service.profiles)}
        for name, condition in service.depends.items()
        if name in profiles
    }


def _mount(mount: Mount, selinux: bool) -> dict[str, object]:
    """A mount; only what we generate is labelled for SELinux, never what is the host's."""
    label = {"selinux": "z"} if selinux and mount.source.startswith("./") else {}
    kept = {"bind": {"create_host_path": False, **label}} if mount.kind == "bind" else {}
    return {
        "type": mount.kind,
        "source": literal(mount.source),
        "target": literal(mount.target),
        "read_only": mount.read_only,
        **kept,
    }


def _networks(plan: Plan, services: list[Service]) -> list[dict[str, object]]:
    logs = plan.spec.logs
    known = {**_NETWORKS, "logs": ("Logs on their way to where they are kept.", bool(logs and logs.stays_inside))}
    used = {network for service in services for network in service.networks}
    return [{"name": n, "why": why, "internal": inside} for n, (why, inside) in known.items() if n in used]


def _env(plan: Plan) -> Artefact:
    broker = plan.spec.celery.broker
    users = plan.spec.flower.basic_auth.users_env
    fits = demo.fits(plan)
    whose = "; this is the demo's" if fits else ""
    why = f"The broker's address{whose}. docker inspect shows it: one with a password wants url_file."
    variables = [{"why": why, "name": broker.env, "value": demo.url(plan) if fits else ""}] if broker.env else []
    if users:
        variables.append({"why": "Flower's users: user:password, several with commas.", "name": users, "value": ""})
    if (logs := _sent(plan)) and "cloudwatch" in logs.shippers:
        variables += cloudwatch.variables(logs)
    return Artefact(
        path=".env.example",
        template="compose/env.j2",
        syntax="text",
        context={"variables": variables},
    )


def _config_files(plan: Plan) -> Iterator[Artefact]:
    """What the programs of sources read when they are started."""
    for source, version in always.launched(plan):
        for file in source.launch(plan.site, version).files if source.launch else ():
            template = f"compose/{file.name}.j2"
            yield Artefact(path=file.name, template=template, syntax="yaml", context=file.values)
