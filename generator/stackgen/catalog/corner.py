"""The part of a shared broker that is this stack's, and how Celery's own programs are told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from stackgen.catalog.launch import Secret

PRIORITY_SEPARATOR = "\x06\x16"
PRIORITY_STEPS = (0, 3, 6, 9)
"""kombu's own: transport/redis.py."""

NO_CLUSTER = "it speaks to the broker as Celery does by itself, which knows no Redis Cluster"
"""Why programs that use Celery's own transport are left out. Source: celery/kombu, pull request 2204, not merged."""

Option = str | int | bool | list[int]


@dataclass(frozen=True)
class Tls:
    """Files for TLS to the broker, where containers find them."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The files, each with what it is."""
        files = {
            self.ca: "certificate of the authority of the broker (PEM)",
            self.certificate: "certificate for the broker (PEM)",
            self.key: "private key for the broker (PEM)",
        }
        return tuple(Secret.at(file, "given", why) for file, why in files.items() if file)

    def on(self, folder: Path | None) -> Tls:
        """The files where this machine has them: as written, else by name in the folder of secrets."""
        return replace(
            self, ca=_on(self.ca, folder), certificate=_on(self.certificate, folder), key=_on(self.key, folder)
        )


def _on(file: str | None, folder: Path | None) -> str | None:
    if file is None or folder is None or Path(file).exists():
        return file
    return str(folder / Secret.at(file, "given", "").name)


@dataclass(frozen=True)
class Corner:
    """What stack.yaml says of it; the default is a broker of one's own, as Celery finds it by its address alone."""

    kind: str = "redis"
    database: int | None = None
    """Of Redis; None: not said."""
    vhost: str | None = None
    """Of RabbitMQ; None: all of them."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """Celery's broker_transport_options, without those that have their default."""
    tls: Tls | None = None
    cluster: bool = False

    @property
    def prefix(self) -> str:
        """What stands in front of every key of Redis."""
        return str(self.options.get("global_keyprefix", ""))

    @property
    def separator(self) -> str:
        """What stands between a queue's name and a priority."""
        return str(self.options.get("sep", PRIORITY_SEPARATOR))

    @property
    def steps(self) -> tuple[int, ...]:
        """Priorities that have a list of their own, besides the first."""
        steps = self.options.get("priority_steps", PRIORITY_STEPS)
        return tuple(step for step in (steps if isinstance(steps, list | tuple) else ()) if step)

    @property
    def is_special(self) -> bool:
        """Whether Celery must be told more than the broker's address."""
        return bool(self.options or self.tls)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The files that a program needs to speak to the broker."""
        return self.tls.secrets if self.tls else ()

    @property
    def ssl(self) -> dict[str, Option]:
        """Celery's broker_use_ssl: keys of redis-py, or of py-amqp, where 2 is ssl.CERT_REQUIRED; empty without TLS."""
        if self.tls is None:
            return {}
        redis = self.kind == "redis"
        names = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if redis else ("ca_certs", "certfile", "keyfile")
        files = zip(names, (self.tls.ca, self.tls.certificate, self.tls.key), strict=True)
        found: dict[str, Option] = {name: file for name, file in files if file}
        if redis:
            unchecked: dict[str, Option] = {"ssl_cert_reqs": "none", "ssl_check_hostname": 0}
            return found | ({"ssl_cert_reqs": "required"} if self.tls.verify else unchecked)
        return found | {"cert_reqs": 2 if self.tls.verify else 0}

    def exporter_flags(self) -> Iterator[str]:
        """The same for celery-exporter, which reads JSON where it can, else text."""
        for name, value in self.options.items():
            yield f"--broker-transport-option={name}={json.dumps(value)}"
        for name, value in self.ssl.items():
            yield f"--broker-ssl-option={name}={value}"
