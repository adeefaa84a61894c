"""What a Redis broker holds, asked in Redis' own protocol: queues and the length of each of their lists.

Of RabbitMQ only that it lets us in: what it holds is scraped (source rabbitmq).
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from stackgen.doctor import amqp
from stackgen.doctor.http import Unreachable

TIMEOUT_SECONDS = 5.0
_SEPARATOR = b"\x06\x16"
_BINDINGS = b"_kombu.binding."
_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "pyamqp": 5672, "amqps": 5671}
_SECURE = ("rediss", "amqps")
_MOST_ROUNDS = 1000
"""Of SCAN; beyond a million keys the doctor looks at the first part only."""

Reply = bytes | int | list["Reply"] | None


@dataclass(frozen=True)
class Broker:
    """What was found: queues that an application declared, and the length of every list of a priority."""

    queues: frozenset[str]
    priorities: dict[str, int]
    """By queue: tasks in its lists of a priority above 0."""


def look(url: str) -> Broker:
    """Looks at the broker. Raises Unreachable; its text never holds the address."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        message = f"only a broker of {', '.join(f'{scheme}://' for scheme in _PORTS)} can be looked at"
        raise Unreachable(message)
    try:
        address = (parts.hostname or "localhost", parts.port or _PORTS[parts.scheme])
        with socket.create_connection(address, TIMEOUT_SECONDS) as plain:
            secure = ssl.create_default_context() if parts.scheme in _SECURE else None
            wire = secure.wrap_socket(plain, server_hostname=parts.hostname) if secure else plain
            with wire.makefile("rwb") as stream:
                if parts.scheme.startswith("redis"):
                    return _look(_Wire(stream), parts.username, parts.password, parts.path.strip("/"))
                user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
                amqp.enter(stream, user, password, unquote(parts.path[1:]) or "/")
                return Broker(frozenset(), {})
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        message = f"it does not answer ({reason})"
        raise Unreachable(message) from error


class _Stream(amqp.Stream, Protocol):
    """What is needed of a socket's file."""

    def readline(self, size: int = -1, /) -> bytes: ...


class _Wire:
    """One connection; only commands that read are ever sent."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def call(self, *command: bytes) -> Reply:
        """Sends a command and reads its answer; raises Unreachable when Redis refuses."""
        parts = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in command)
        self._stream.write(b"*%d\r\n%s" % (len(command), parts))
        self._stream.flush()
        return self._reply()

    def _reply(self) -> Reply:
        line = self._stream.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        match kind:
            case b"+":
                return rest
            case b":":
                return int(rest)
            case b"$":
                return None if int(rest) < 0 else self._stream.read(int(rest) + 2)[:-2]
            case b"*":
                return [self._reply() for _ in range(int(rest))]
            case _:
                message = f"it refuses ({rest.split(b' ')[0].decode(errors='replace') or 'connection closed'})"
                raise Unreachable(message)


def _look(wire: _Wire, user: str | None, password: str | None, database: str) -> Broker:
    if password:
        wire.call(b"AUTH", *([unquote(user).encode()] if user else []), unquote(password).encode())
    if database and database != "0":
        wire.call(b"SELECT", database.encode())
    queues: set[str] = set()
    priorities: dict[str, int] = {}
    for key in _keys(wire, _BINDINGS + b"*"):
        members = wire.call(b"SMEMBERS", key)
        for member in members if isinstance(members, list) else []:
            if isinstance(member, bytes):
                queues.add(member.rpartition(_SEPARATOR)[2].decode(errors="replace"))
    for key in _keys(wire, b"*" + _SEPARATOR + b"[0-9]*"):
        if wire.call(b"TYPE", key) == b"list":
            length = wire.call(b"LLEN", key)
            name = key.rpartition(_SEPARATOR)[0].decode(errors="replace")
            priorities[name] = priorities.get(name, 0) + (length if isinstance(length, int) else 0)
    return Broker(frozenset(queues), priorities)


def _keys(wire: _Wire, pattern: bytes) -> set[bytes]:
    found: set[bytes] = set()
    cursor = b"0"
    for _ in range(_MOST_ROUNDS):
        answer = wire.call(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", b"1000")
        if not (isinstance(answer, list) and len(answer) == 2 and isinstance(answer[0], bytes)):
            break
        cursor, keys = answer[0], answer[1]
        found |= {key for key in keys if isinstance(key, bytes)} if isinstance(keys, list) else set()
        if cursor == b"0":
            break
    return found
