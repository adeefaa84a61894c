"""Standard output and error of a worker as records, where Celery's settings want them redirected."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from typing import Any

from stackgen.app.parts.lines import JsonLines, of_running_task
from stackgen.app.parts.redact import LONGEST_MESSAGE

Streams = tuple[io.TextIOWrapper, io.TextIOWrapper, Callable[[], None]]


def printed(handler: JsonLines, at: object, least: int) -> Streams:
    """The two streams, and what ends their open lines when a task ends; nothing is written below the least level."""
    number = at if isinstance(at, int) else getattr(logging, str(at).upper(), logging.WARNING)
    bytes_out, bytes_err = (Printed(handler, number, one, silent=number < least) for one in (1, 2))

    def end_lines() -> None:
        bytes_out.end_line()
        bytes_err.end_line()

    return _text(bytes_out), _text(bytes_err), end_lines


def _text(lines: Printed) -> io.TextIOWrapper:
    return io.TextIOWrapper(lines, "utf-8", "backslashreplace", newline="\n", write_through=True)


class Printed(io.BufferedIOBase):
    """What is printed, as text or as bytes: each line becomes a record; one thread's does not mix with another's."""

    def __init__(self, handler: JsonLines, level: int, number: int, *, silent: bool) -> None:
        super().__init__()
        self.name = "<stdout>" if number == 1 else "<stderr>"
        self._number, self._silent = number, silent
        self._lines, self._level = handler, logging.getLevelName(level).lower()
        self._about = {
            "log": {"level": self._level, "logger": "celery.redirected"},
            "event": {"dataset": "celery.log"},
        }
        self._local = threading.local()

    def writable(self) -> bool:
        """Whether one may print to it."""
        return True

    def fileno(self) -> int:
        """The real stream, for programs that the worker starts."""
        return self._number

    def write(self, data: Any) -> int:
        """Keeps what has no line end yet, up to the longest message."""
        data = bytes(data)
        local = self._local
        if self._silent or getattr(local, "busy", False):  # printed while this very line is being logged
            return len(data)
        *lines, rest = (getattr(local, "rest", b"") + data).split(b"\n")
        while len(rest) > LONGEST_MESSAGE:
            lines.append(rest[:LONGEST_MESSAGE])
            rest = rest[LONGEST_MESSAGE:]
        local.rest = rest
        self._write(lines)
        return len(data)

    def end_line(self) -> None:
        """What was printed without a line end belongs to the task that ends now."""
        rest = getattr(self._local, "rest", b"")
        if rest:
            self._local.rest = b""
            self._write([rest])

    def _write(self, lines: list[bytes]) -> None:
        self._local.busy = True
        try:
            for line in filter(bytes.strip, lines):
                text = line[: 4 * LONGEST_MESSAGE].decode("utf-8", "backslashreplace")[:LONGEST_MESSAGE]
                self._lines.event(self._level, text, {**self._about, **of_running_task()})
        finally:
            self._local.busy = False
