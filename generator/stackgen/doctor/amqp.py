"""Whether a RabbitMQ broker lets us in: AMQP 0-9-1 as far as the opening of a virtual host, and good-bye."""

from __future__ import annotations

import struct
from typing import Protocol

from stackgen.doctor.http import Unreachable

_HELLO = b"AMQP\x00\x00\x09\x01"
_FRAME_END = b"\xce"
_LARGEST_FRAME = 1 << 20
_START, _START_OK, _TUNE, _TUNE_OK, _OPEN, _OPEN_OK, _CLOSE = ((10, n) for n in (10, 11, 30, 31, 40, 41, 50))


class Stream(Protocol):
    """What is needed of a socket's file."""

    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...
    def read(self, size: int = -1, /) -> bytes: ...


def enter(stream: Stream, user: str, password: str, vhost: str) -> None:
    """Logs in, opens the virtual host and leaves. Raises Unreachable with RabbitMQ's own reason."""
    stream.write(_HELLO)
    stream.flush()
    _wanted(stream, _START)
    # With this capability RabbitMQ says why it refuses, instead of hanging up.
    capabilities = _table(b"capabilities", b"F", _table(b"authentication_failure_close", b"t", b"\x01"))
    login = f"\0{user}\0{password}".encode()
    _send(stream, _START_OK, capabilities + _short(b"PLAIN") + _long(login) + _short(b"en_US"))
    most = struct.unpack(">HI", _wanted(stream, _TUNE)[:6])
    _send(stream, _TUNE_OK, struct.pack(">HIH", *most, 0))
    _send(stream, _OPEN, _short(vhost.encode()) + _short(b"") + b"\x00")
    _wanted(stream, _OPEN_OK)
    _send(stream, _CLOSE, struct.pack(">H", 200) + _short(b"") + struct.pack(">HH", 0, 0))


def _send(stream: Stream, method: tuple[int, int], arguments: bytes) -> None:
    payload = struct.pack(">HH", *method) + arguments
    stream.write(struct.pack(">BHI", 1, 0, len(payload)) + payload + _FRAME_END)
    stream.flush()


def _wanted(stream: Stream, method: tuple[int, int]) -> bytes:
    """The arguments of the method that comes next, which must be this one."""
    head = stream.read(7)
    size = struct.unpack(">I", head[3:])[0] if len(head) == 7 else _LARGEST_FRAME
    if head[:1] != b"\x01" or not 4 <= size < _LARGEST_FRAME:
        message = "it refuses (connection closed)" if not head else "it does not speak AMQP 0-9-1"
        raise Unreachable(message)
    payload = stream.read(size + 1)[:-1]
    found, arguments = struct.unpack(">HH", payload[:4]), payload[4:]
    if found == _CLOSE:
        reason = arguments[3 : 3 + arguments[2]].decode(errors="replace")
        message = f"it refuses ({reason.partition(' ')[0]})"
        raise Unreachable(message)
    if found != method:
        message = "it answers something unexpected"
        raise Unreachable(message)
    return arguments


def _short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _long(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def _table(name: bytes, kind: bytes, value: bytes) -> bytes:
    return _long(_short(name) + kind + value)
