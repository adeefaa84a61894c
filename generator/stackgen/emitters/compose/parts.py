"""What a container is made of, as far as the template needs to know; every hardening is on unless a reason says no."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from stackgen.catalog.images import Image, default
from stackgen.catalog.launch import Limits, Mount, Network, Secret, Variable
from stackgen.spec.logs import Logs

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]

SECRETS = ".secrets"
"""The folder beside docker-compose.yml that holds one file per secret; `check` does not look into dot folders."""


LOGS = "celery-logs"
"""The volume in which the demo's workers write their logs, for the log shipper."""


@dataclass(frozen=True)
class Health:
    """How the container is asked whether it works; the program must be inside the image."""

    test: tuple[str, ...]
    interval: str = "30s"
    timeout: str = "10s"
    retries: int = 3
    start_period: str = "30s"


@dataclass(frozen=True, kw_only=True)
class Service:
    """One container."""

    name: str
    why: str
    image: str
    user: str
    limits: Limits
    networks: tuple[Network, ...]
    seen: str = ""
    build: str = ""
    profiles: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    expose: tuple[int, ...] = ()
    ports: Mapping[int, int] = field(default_factory=dict)
    """Port of the host's loopback -> port of the container."""
    mounts: tuple[Mount, ...] = ()
    secrets: tuple[Secret, ...] = ()
    depends: Mapping[str, Condition] = field(default_factory=dict)
    health: Health | None = None
    tmpfs: tuple[str, ...] = ("/tmp",)
    exceptions: Mapping[str, str] = field(default_factory=dict)
    """What is not as strict as elsewhere -> why: health, read_only, user, pid, cgroup, engine, shell."""
    joined: tuple[str, ...] = ()
    """Networks that others made."""
    extra_hosts: tuple[str, ...] = ()
    pid: str = ""
    cgroup: str = ""
    notes: tuple[str, ...] = ()
    """What a person should know besides."""
    restart: Literal["unless-stopped", "no"] = "unless-stopped"


def log_files(logs: Logs) -> Mount:
    """The workers' log files, as a shipper reads them: of the host, or of the volume that workers share."""
    return Mount("bind", logs.host_folder, logs.folder) if logs.host_folder else Mount("volume", LOGS, logs.folder)


def literal(text: str) -> str:
    """Text as docker-compose must read it to mean exactly this: it would expand a dollar sign."""
    return text.replace("$", "$$")


def required(variable: Variable) -> str:
    """The reference to a variable of .env, without which docker-compose does not begin."""
    return f"${{{variable.name}:?{variable.hint}}}"


def reading(variables: Mapping[str, str]) -> tuple[str, ...]:
    """A shell that sets variables to what files hold and becomes what follows: `docker inspect` shows no value."""
    sets = [f'{name}="$(cat {shlex.quote(file)})"; export {name}; ' for name, file in variables.items()]
    return ("sh", "-ec", literal("".join(sets) + 'exec "$@"'), "sh")


def asked(url: str) -> tuple[str, ...]:
    """A health check for images that have Python and nothing else."""
    return ("CMD", "python", "-c", f"import urllib.request as u; u.urlopen({url!r}, timeout=12)")


def pinned(component: str, tags: Mapping[str, str]) -> tuple[str, str]:
    """The image of a component, and where its tag was seen."""
    image = default(component)
    return image.reference(tags), evidence(image, tags)


def newest(versions: Mapping[str, Image], tags: Mapping[str, str]) -> tuple[str, str]:
    """The same for a source's default version."""
    image = next(iter(versions.values()))
    return image.reference(tags), evidence(image, tags)


def evidence(image: Image, tags: Mapping[str, str]) -> str:
    """When and where the tag was seen; stack.yaml's own when it gives one."""
    if image.build:
        return f"built here from {image.build}/Dockerfile"
    if image.component in tags:
        return f"tag from stack.yaml, versions.{image.component}"
    return f"tag seen {image.seen}: {image.evidence}"
