"""The pipe through which pool processes tell the main process what happens to tasks, so that it alone counts."""

from __future__ import annotations

import hashlib
import json
import os
import select
import threading
from collections.abc import Iterator

from stackgen.app.parts.counts import Counts, Pair
from stackgen.app.parts.doing import NOTHING_SPECIAL, About

_LONGEST_NAME = 250
"""Bytes of a name. Written as JSON, a task and a queue stay within the 4096 that a pipe does not mix."""
_MOST_NAMES = 1_000
_PATIENCE = 1000
"""Milliseconds that a full pipe is waited for, once; then not again before it took something."""


class Pipe:
    """Carries short lines, each written at once or not at all. A process that dies leaves nothing behind."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._rest = b""
        self._patient = True
        self._unwritten = 0
        self._widen()

    def _widen(self) -> None:
        try:
            from fcntl import fcntl

            fcntl(self._writer, 1031, 1 << 20)  # F_SETPIPE_SZ, Linux only
        except (ImportError, OSError):
            return  # 64 KiB then: writers wait a little more often

    def write_only(self) -> None:
        """In a pool process: when the main process is gone, so is the pipe, and nobody waits for it."""
        os.close(self._reader)

    def write(self, line: str) -> None:
        """Called by pool processes. A line that the pipe does not take is lost, rather than the task; that is told."""
        if self._unwritten and self._wrote(f"l\t{self._unwritten}\n".encode()):
            self._unwritten = 0
        if not self._wrote(line.encode(errors="replace") + b"\n"):
            self._unwritten += 1

    def _wrote(self, data: bytes) -> bool:
        for _ in range(2):
            try:
                os.write(self._writer, data)
            except BlockingIOError:
                if not self._patient:
                    return False
                poll = select.poll()
                poll.register(self._writer, select.POLLOUT)
                self._patient = bool(poll.poll(_PATIENCE))
            except OSError:
                return False
            else:
                self._patient = True
                return True
        return False

    def wait(self, seconds: float) -> None:
        """Returns when there is something to read, or after so long. select() itself knows no number above 1023."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.poll(seconds * 1000)

    def lines(self) -> Iterator[bytes]:
        """Every whole line that was written until now."""
        parts = [self._rest]
        while True:
            try:
                part = os.read(self._reader, 1 << 18)
            except BlockingIOError:
                break
            if not part:
                break
            parts.append(part)
        *whole, self._rest = b"".join(parts).split(b"\n")
        yield from whole


class Wire:
    """The two ends of the pipe: packs in a pool process, applies in the main process."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.pipe = Pipe()
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._packed: dict[Pair, str] = {}
        self._pairs: dict[bytes, Pair] = {}
        self._doing: dict[int, tuple[str, int]] = {}  # by process, which runs one task at a time

    def begin(
        self,
        attempt: tuple[str, int],
        pair: Pair,
        wait: float | None,
        since: float,
        about: About = NOTHING_SPECIAL,
    ) -> None:
        """Tells the main process that a task begins here."""
        told = "" if wait is None else f"{wait:.6f}"
        special = f"\t{json.dumps(about)}" if about else ""
        self.pipe.write(f"b\t{attempt[0]}\t{attempt[1]}\t{self._pack(pair)}\t{told}\t{since:.6f}{special}")

    def end(self, attempt: tuple[str, int], state: str, seconds: float, kind: str) -> None:
        """Tells the main process that a task ended here."""
        self.pipe.write(f"e\t{attempt[0]}\t{attempt[1]}\t{state}\t{seconds:.6f}\t{kind}")

    def drain(self) -> None:
        """Counts everything told until now; called by the main process only. A line that is none is left out."""
        with self._lock:
            for line in self.pipe.lines():
                try:
                    self._apply(*line.split(b"\t"))
                except (ValueError, TypeError, LookupError):
                    self.counts.untold += 1

    def _apply(self, what: bytes, key: bytes, pid: bytes = b"", *rest: bytes) -> None:
        if what == b"b":
            packed, wait, since, *special = rest
            pair = self._pairs.get(packed) or self._unpack(packed)
            about = json.loads(special[0]) if special else NOTHING_SPECIAL
            attempt = (key.decode(), int(pid))
            before = self._doing.get(attempt[1])
            if before is not None and before != attempt:  # the line that told its end is lost
                self.counts.drop(before)
            self._doing[attempt[1]] = attempt
            self.counts.begin(attempt, pair, float(wait) if wait else None, float(since), about)
        elif what == b"e":
            state, seconds, kind = rest
            self._doing.pop(int(pid), None)
            self.counts.end((key.decode(), int(pid)), state.decode(), float(seconds), kind.decode())
        else:
            self.counts.untold += int(key)

    def _pack(self, pair: Pair) -> str:
        packed = self._packed.get(pair)
        if packed is None:
            if len(self._packed) >= _MOST_NAMES:
                self._packed.clear()
            # JSON has no raw tab or newline, whatever the names hold.
            packed = self._packed[pair] = json.dumps([*map(wire_name, pair)])
        return packed

    def _unpack(self, packed: bytes) -> Pair:
        task, queue = json.loads(packed)
        if len(self._pairs) >= _MOST_NAMES:
            self._pairs.clear()
        pair = self._pairs[packed] = (str(task), str(queue))
        return pair


def wire_name(name: str) -> str:
    """At most so many bytes of a name, whatever a message holds."""
    if len(name) * 4 <= _LONGEST_NAME:
        return name.encode(errors="replace").decode()
    return name.encode(errors="replace")[:_LONGEST_NAME].decode(errors="ignore")


def wire_attempt(task_id: object, retries: object) -> str:
    """`id#retries` of an execution; an id that is none of Celery's, but what somebody sent, only by its hash."""
    text = str(task_id)
    if len(text) > 100 or not text.isascii() or not text.isprintable():
        text = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    return f"{text}#{retries if isinstance(retries, int) else 0}"
