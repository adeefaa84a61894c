"""What a broker holds, asked through kombu, which is there wherever Celery is: queues, and lists of a priority.

Of RabbitMQ only that it lets us in: what it holds is scraped (source rabbitmq).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from stackgen.doctor.http import Unreachable

TIMEOUT_SECONDS = 5.0
_SEPARATOR = b"\x06\x16"
_BINDINGS = b"_kombu.binding."
_SCHEMES = ("redis", "rediss", "amqp", "pyamqp", "amqps")
_MOST_KEYS = 1_000_000
"""Beyond so many the doctor looks at the first part only."""


@dataclass(frozen=True)
class Broker:
    """What was found: queues that an application declared, and the length of every list of a priority."""

    queues: frozenset[str]
    priorities: dict[str, int]
    """By queue: tasks in its lists of a priority above 0."""


def look(url: str) -> Broker:
    """Looks at the broker. Raises Unreachable; its text never holds the address."""
    try:
        scheme = urlsplit(url).scheme
        if scheme not in _SCHEMES:
            message = f"only a broker of {', '.join(f'{known}://' for known in _SCHEMES)} can be looked at"
            raise Unreachable(message)
        with _connection(url, redis=scheme.startswith("redis")) as connection:
            connection.connect()
            # Of RabbitMQ: to have been let in is what there is to learn.
            return _held(connection.channel().client) if scheme.startswith("redis") else Broker(frozenset(), {})
    except Unreachable:
        raise
    except ValueError as error:
        message = "its address cannot be read"
        raise Unreachable(message) from error
    except Exception as error:  # each transport has classes of its own, which only it can name
        raise _refusal(error) from error


def _connection(url: str, *, redis: bool) -> Any:
    try:
        from kombu.connection import Connection
    except ImportError as error:
        message = "it is asked through kombu, which is not installed here: run this where Celery is installed"
        raise Unreachable(message) from error
    limits = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS} if redis else {}
    return Connection(url, connect_timeout=TIMEOUT_SECONDS, transport_options=limits)  # type: ignore[no-untyped-call]


def _held(client: Any) -> Broker:
    """What Redis holds; only commands that read are ever sent."""
    queues = {
        member.rpartition(_SEPARATOR)[2].decode(errors="replace")
        for key in _keys(client, _BINDINGS + b"*")
        for member in client.smembers(key)
    }
    priorities: dict[str, int] = {}
    for key in _keys(client, b"*" + _SEPARATOR + b"[0-9]*"):
        if client.type(key) == b"list":
            name = key.rpartition(_SEPARATOR)[0].decode(errors="replace")
            priorities[name] = priorities.get(name, 0) + client.llen(key)
    return Broker(frozenset(queues), priorities)


def _keys(client: Any, pattern: bytes) -> set[bytes]:
    return set(islice(client.scan_iter(match=pattern, count=1000), _MOST_KEYS))


def _refusal(error: BaseException) -> Unreachable:
    """The system's reason, else the kind of the error alone: a broker's own words may repeat what it was sent."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return Unreachable(f"it does not answer ({inner.strerror})")
        inner = inner.__cause__ or inner.__context__
    return Unreachable(f"it refuses ({type(error).__name__})")
