"""What a broker holds, asked through kombu, which is there wherever Celery is: queues, and lists of a priority."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from stackgen.catalog.corner import Corner
from stackgen.doctor.http import Unreachable

TIMEOUT_SECONDS = 5.0
_BINDINGS = "_kombu.binding."
_REDIS = ("redis", "rediss", "sentinel")
_SCHEMES = (*_REDIS, "amqp", "pyamqp", "amqps")
_MOST_KEYS = 1_000_000
"""Beyond so many the doctor looks at the first part only."""
_MOST_DATABASES = 64


@dataclass(frozen=True)
class Place:
    """A part of a broker: a database and what its keys begin with, or a virtual host."""

    database: int | None = None
    prefix: str = ""
    vhost: str | None = None

    def __str__(self) -> str:
        """Such as `database 3 with the prefix 'shop:'`."""
        if self.vhost is not None:
            return f"virtual host {self.vhost!r}"
        return f"database {self.database}" + (f" with the prefix {self.prefix!r}" if self.prefix else "")


@dataclass(frozen=True)
class Broker:
    """What was found where the address leads, and elsewhere on the same broker."""

    here: Place
    queues: frozenset[str]
    """Queues that an application declared; of RabbitMQ those of stack.yaml only."""
    priorities: Mapping[str, int]
    """By queue: tasks in its lists of a priority above 0."""
    elsewhere: Mapping[Place, frozenset[str]] = field(default_factory=dict)
    """Queues in other databases, and behind other prefixes."""


def look(url: str, corner: Corner, queues: Collection[str]) -> Broker:
    """Looks at the broker. Raises Unreachable; its text never holds the address."""
    try:
        scheme = urlsplit(url).scheme
        if scheme not in _SCHEMES:
            message = f"only a broker of {', '.join(f'{known}://' for known in _SCHEMES)} can be looked at"
            raise Unreachable(message)
        with _connection(url, corner, redis=scheme in _REDIS) as connection:
            connection.connect()
            return _redis(connection, corner) if scheme in _REDIS else _rabbitmq(connection, queues)
    except Unreachable:
        raise
    except ValueError as error:
        message = "its address cannot be read"
        raise Unreachable(message) from error
    except Exception as error:  # each transport has classes of its own, which only it can name
        raise refusal(error) from error


def _connection(url: str, corner: Corner, *, redis: bool) -> Any:
    try:
        from kombu.connection import Connection
    except ImportError as error:
        message = "it is asked through kombu, which is not installed here: run this where Celery is installed"
        raise Unreachable(message) from error
    limits = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS} if redis else {}
    options = {**corner.options, **limits}
    secure = {"ssl": corner.ssl} if corner.ssl else {}
    return Connection(url, connect_timeout=TIMEOUT_SECONDS, transport_options=options, **secure)  # type: ignore[no-untyped-call]


def _rabbitmq(connection: Any, queues: Collection[str]) -> Broker:
    """A passive declaration makes no queue."""
    found, channel = set(), connection.channel()
    for queue in queues:
        try:
            channel.queue_declare(queue=queue, passive=True)
            found.add(queue)
        except connection.channel_errors:
            channel = connection.channel()  # one that asked for what is not there is closed
    return Broker(Place(vhost=connection.virtual_host), frozenset(found), {})


def _redis(connection: Any, corner: Corner) -> Broker:
    """Only commands that read are ever sent."""
    client, database = _plain(connection)
    here = Place(database, corner.prefix)
    held = {Place(database, prefix): queues for prefix, queues in _declared(client, corner).items()}
    if not held.get(here):
        numbers = {int(name.removeprefix("db")) for name in islice(client.info("keyspace"), _MOST_DATABASES)}
        for other in numbers - {database}:
            with connection.clone(virtual_host=str(other)) as asked:
                found = _declared(_plain(asked)[0], corner)
                held |= {Place(other, prefix): queues for prefix, queues in found.items()}
    ours = held.pop(here, frozenset())
    return Broker(here, ours, _priorities(client, corner), held)


def _plain(connection: Any) -> tuple[Any, int]:
    """A client that puts no prefix before keys, and the number of its database."""
    from redis import Redis

    pool = connection.channel().client.connection_pool
    return Redis(connection_pool=pool), int(pool.connection_kwargs.get("db") or 0)


def _declared(client: Any, corner: Corner) -> dict[str, frozenset[str]]:
    """By what their keys begin with: queues that applications declared in the client's database."""
    found: dict[str, frozenset[str]] = {}
    separator = corner.separator.encode()
    for key in _keys(client, f"*{_BINDINGS}*"):
        prefix = key.decode(errors="replace").partition(_BINDINGS)[0]
        if not prefix.startswith("unacked") and client.type(key) == b"set":
            queues = {m.rpartition(separator)[2].decode(errors="replace") for m in client.smembers(key)}
            found[prefix] = found.get(prefix, frozenset()) | queues
    return found


def _priorities(client: Any, corner: Corner) -> dict[str, int]:
    found: dict[str, int] = {}
    separator, prefix = corner.separator.encode(), corner.prefix.encode()
    for key in _keys(client, f"*{corner.separator}[0-9]*"):
        if key.startswith(prefix) and client.type(key) == b"list":
            name = key.removeprefix(prefix).rpartition(separator)[0].decode(errors="replace")
            found[name] = found.get(name, 0) + client.llen(key)
    return found


def _keys(client: Any, pattern: str) -> Iterator[bytes]:
    return iter(set(islice(client.scan_iter(match=pattern, count=1000), _MOST_KEYS)))


def refusal(error: BaseException) -> Unreachable:
    """The system's reason, else the kind of the error alone: a broker's own words may repeat what it was sent."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return Unreachable(f"it does not answer ({inner.strerror})")
        inner = inner.__cause__ or inner.__context__
    return Unreachable(f"it refuses ({type(error).__name__})")
