"""How a source's program is started: all that compose, exporters/ and Kubernetes need to know, and never a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from stackgen.catalog.images import Image

Network = Literal["frontend", "backend", "engine", "broker", "logs", "outside"]
SCRATCH = "the image holds one program and nothing that could ask it"
"""Why a container has no health check."""


OUR_SECRETS = frozenset(
    {"grafana_admin_password", "elastic_password", "kibana_password", "kibana_encryption_key", "elasticsearch_api_key"}
)
"""Names of secret files that stand for what their name says, and for nothing that stack.yaml names."""


@dataclass(frozen=True)
class Secret:
    """One secret file. `random`: any value will do. `users`: lines of user:password. `given`: only a person has it."""

    name: str
    kind: Literal["random", "users", "given"]
    target: str
    """Where containers find it."""
    why: str

    @classmethod
    def named(cls, name: str, kind: Literal["random", "users", "given"], why: str) -> Secret:
        """One that containers find at the usual place."""
        return cls(name, kind, f"/run/secrets/{name}", why)

    @classmethod
    def at(cls, file: str, kind: Literal["users", "given"], why: str, target: str = "") -> Secret:
        """One for a path of stack.yaml, which names it: /run/secrets/slack_url is slack_url."""
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", file.removeprefix("/run/secrets/").strip("/"))
        return cls(name, kind, target or file, why)


@dataclass(frozen=True)
class Mount:
    """A file, folder or volume inside a container; what is generated or the host's is read-only."""

    kind: Literal["bind", "volume"]
    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True)
class Limits:
    """The most a container may use."""

    cpus: str
    memory: str
    pids: int = 100


@dataclass(frozen=True)
class HttpHealth:
    """The path that answers when the program works."""

    path: str
    client: Literal["python", "wget"]
    """The program inside the image that can ask; Kubernetes needs none."""


@dataclass(frozen=True)
class Variable:
    """A variable of the environment in which the container is started; it must be set."""

    name: str
    hint: str
    """What to write into it."""
    file: str = ""
    """The file inside the container that holds its value instead; "" for none."""


@dataclass(frozen=True)
class ConfigFile:
    """A file that the program reads, printed by the template of its name in templates/compose."""

    name: str
    values: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start one source's program on one stack."""

    image: Image
    user: str
    """uid:gid inside the container."""
    port: int | None = None
    """Where it answers Prometheus; None for the port of the source's target."""
    why: str = ""
    """What it is there for; "" for the source's title and link."""
    entrypoint: tuple[str, ...] = ()
    """The image's own, for when a shell is put before it."""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str | Variable] = field(default_factory=dict)
    files: tuple[ConfigFile, ...] = ()
    mounts: tuple[Mount, ...] = ()
    secrets: tuple[Secret, ...] = ()
    networks: tuple[Network, ...] = ("backend",)
    """`broker` for a program that asks the broker; then it is started after the demo's."""
    health: HttpHealth | None
    sees_processes: bool = False
    """Whether it must see the host's processes."""
    sees_cgroups: bool = False
    """Whether it must see the host's control groups; with cgroup v2 a container sees only its own."""
    web: Literal["", "flower"] = ""
    """Its key in `compose.ports`, when people open it in a browser."""
    exceptions: Mapping[str, str] = field(default_factory=dict)
    """What is not as strict as elsewhere -> why: health, read_only, user, pid, cgroup, engine."""
    limits: Limits = Limits("0.5", "256M")
    notes: tuple[str, ...] = ()
    """What a person who starts it by hand should know."""

    @property
    def asks_broker(self) -> bool:
        """Whether it needs the broker's address."""
        return "broker" in self.networks
