"""What docker-compose.yml promises of every service, and docker-compose itself does not look at.

docker-compose 2.40 lets through: a bind source or secret file that is not there, one host port twice, an unpinned
image, an unknown capability, a bad `restart`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from stackgen.catalog.sources.prometheus import ALERTMANAGER
from stackgen.problem import Mark, Problem
from stackgen.resolve.plan import Plan

PATH = "docker-compose.yml"
CAPABILITIES = frozenset({"ALL"})
"""What may be dropped; nothing is ever added."""
RESTARTS = frozenset({"unless-stopped", "no"})
HOST_PATHS = frozenset({"/", "/sys", "/var/run/docker.sock", "/var/lib/docker", "/proc"})
"""What exporters of the host's own state may see, read-only."""
WITHOUT_HEALTH = frozenset(
    {"beat", "traffic", "process-exporter", "elk-certificates", "elk-accounts", "elk-kibana", "cloudwatch-agent"}
)
WRITABLE = frozenset({"elk-certificates", "elasticsearch", "elk-accounts", "kibana", "rabbitmq"})
AS_ROOT = frozenset({"cadvisor", "elk-certificates", "elk-accounts", "cloudwatch-agent"})
"""Services that may be less strict; docker-compose.yml says of each why."""

Service = Mapping[str, Any]  # YAML of a known form: emitters/compose made it


def problems(files: Mapping[str, str], plan: Plan) -> list[Problem]:
    """What is wrong with docker-compose.yml beside the other generated files; nothing when it is not generated."""
    if PATH not in files:
        return []
    config = yaml.load(files[PATH], getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    logs = plan.spec.logs
    allowed = HOST_PATHS | ({logs.host_folder} if logs and logs.host_folder else set())
    services: Mapping[str, Service] = config["services"]
    found = [
        *(f for name, one in services.items() for f in _service(name, one)),
        *(f for name, one in services.items() for f in _sources(name, one, files, allowed)),
        *_secrets(services, config.get("secrets") or {}),
        *_host_ports(services),
        *_targets(services, plan),
    ]
    return [Problem(Mark(PATH), f"compose-{rule}", f"services.{name}", said) for name, rule, said in found]


Found = tuple[str, str, str]
"""Service, rule, message."""


def _service(name: str, one: Service) -> Iterator[Found]:
    tag = re.fullmatch(
        r"[a-z0-9./_-]+(?::[0-9]+/[a-z0-9./_-]+)?:([A-Za-z0-9_.-]+)(?:@sha256:[0-9a-f]{64})?", one["image"]
    )
    if not tag or tag[1] == "latest":
        yield name, "image", f"the image {one['image']} is not pinned to a tag"
    if one.get("restart") not in RESTARTS:
        yield name, "restart", f"restart is {one.get('restart')!r}: expected one of {', '.join(sorted(RESTARTS))}"
    if set(one.get("cap_drop", [])) != CAPABILITIES or one.get("cap_add") or one.get("privileged"):
        yield name, "capabilities", "expected cap_drop: [ALL] and nothing added"
    if "no-new-privileges:true" not in one.get("security_opt", []):
        yield name, "privileges", "expected no-new-privileges:true"
    if not one.get("read_only") and name not in WRITABLE:
        yield name, "read-only", "expected a read-only root"
    if str(one.get("user", "0")).partition(":")[0] in ("0", "root") and name not in AS_ROOT:
        yield name, "user", "expected a user other than root"
    limits = one.get("deploy", {}).get("resources", {}).get("limits", {})
    missing = {"cpus", "memory", "pids"} - set(limits)
    if missing:
        yield name, "limits", f"no limit of {', '.join(sorted(missing))}"
    test = one.get("healthcheck", {}).get("test", [""])
    if test[0] not in ("CMD", "CMD-SHELL") and name not in WITHOUT_HEALTH:
        yield name, "health", "no health check"
    if "max-size" not in one.get("logging", {}).get("options", {}):
        yield name, "logs", "its logs are not limited"


def _sources(name: str, one: Service, files: Mapping[str, str], allowed: frozenset[str] | set[str]) -> Iterator[Found]:
    folders = {path.rpartition("/")[0] for path in files}
    folders |= {folder[:i] for folder in folders for i, c in enumerate(folder) if c == "/"}
    build = [one["build"]] if "build" in one else []
    binds = [m for m in one.get("volumes", []) if m["type"] == "bind"]
    for source in [*build, *(m["source"] for m in binds)]:
        path = source.removeprefix("./")
        if source.startswith("./") and path not in files and path not in folders:
            yield name, "source", f"{source} is not generated: nothing could be mounted"
        elif not source.startswith("./") and source not in allowed:
            yield name, "source", f"{source} is no file of ours"
    for mount in binds:
        if not mount.get("read_only") or mount.get("bind", {}).get("create_host_path") is not False:
            yield name, "mount", f"{mount['source']} must be read-only and must not be made when it is missing"


def _secrets(services: Mapping[str, Service], known: Mapping[str, Any]) -> Iterator[Found]:
    for name, one in services.items():
        for secret in one.get("secrets", []):
            if "file" not in known.get(secret["source"], {}):
                yield name, "secret", f"the secret {secret['source']} has no file"


def _host_ports(services: Mapping[str, Service]) -> Iterator[Found]:
    taken: dict[int, str] = {}
    for name, one in services.items():
        for port in one.get("ports", []):
            if port.get("host_ip") != "127.0.0.1":
                yield name, "loopback", f"port {port['published']} is open to the network: expected host_ip 127.0.0.1"
            first = taken.setdefault(port["published"], name)
            if first != name:
                yield name, "port", f"port {port['published']} of the host is already that of {first}"


def _targets(services: Mapping[str, Service], plan: Plan) -> Iterator[Found]:
    """Every target that stack.yaml leaves to us must be a service that listens there, on Prometheus's network."""
    elsewhere = {s.name for s in plan.spec.sources if s.targets}
    if "alertmanagers" in plan.spec.prometheus.model_fields_set:
        elsewhere.add(ALERTMANAGER)
    # Somebody else runs what is not generated.
    elsewhere |= {s.source.id for s in plan.scraped if s.source.output and not plan.spec.wants(s.source.output)}
    reached = {"backend", *services.get("prometheus", {}).get("networks", [])} - {"frontend"}
    for scraped in plan.scraped:
        for target in () if scraped.source.id in elsewhere else scraped.targets:
            host, _, port = target.removeprefix("dns:").rpartition(":")
            if host == "localhost":
                continue
            one = services.get(host, {})
            if port not in one.get("expose", []) or not reached.intersection(one.get("networks", [])):
                yield host, "target", f"Prometheus scrapes {target}, and no service listens there"
