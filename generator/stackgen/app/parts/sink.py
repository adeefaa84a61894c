"""Where lines go: a file that may be renamed, taken away or full, or standard output. Writing never raises OSError."""

from __future__ import annotations

import importlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

_AGAIN_SECONDS = 0.05
"""Between two tries to open a log that cannot be opened: logrotate is done by then."""
_PATIENCE_SECONDS = 5.0
"""A log that cannot be opened for longer is worth a word; every rotation has its moment."""
_STDOUT = 1
_NOBODYS = (-1, -1)

_fcntl: Any = None
with suppress(ImportError):  # Windows
    _fcntl = importlib.import_module("fcntl")
NO_LOCKS = "" if _fcntl else "no locks here: lines over 4096 bytes of two processes may mix in a pipe"


class Sink:
    """Appends whole lines, each with one write, so that processes of a pool do not mix theirs.

    A pipe promises this for 4096 bytes only, so there a lock is taken; it ends with the process, even a killed one.
    A descriptor is ours only while it leads to the file that we opened: when the application has closed our number and
    opened something else under it, that is neither written nor closed. The caller keeps threads apart.
    """

    def __init__(self, path: str | None, said: Callable[[str], bytes]) -> None:
        """Opens the path, None being standard output; `said` makes a line of a sentence about the log itself."""
        self._path, self._said = path, said
        self._file, self._identity = _STDOUT, _NOBODYS
        self._notes: list[str] = []
        self._since, self._next_try, self._told = 0.0, 0.0, False
        self._lost, self._why, self._torn = 0, "", False
        self._pid = os.getpid()
        if path and (error := self._open(path)):
            self._notes.append(f"the log {path} cannot be opened ({error}): standard output is written until it can")
            self._told = True

    def write(self, line: bytes) -> None:
        """Writes the line, or counts it as lost; says before it, as soon as anything can be said, what was lost."""
        if self._pid != os.getpid():  # what the parent has to say, it says
            self._pid, self._lost, self._torn = os.getpid(), 0, False
            self._notes.clear()
        if self._path:
            self._follow(self._path)
        if self._notes or self._lost:
            lost = f"{self._lost} records of this process could not be written: {self._why}"
            notes = [*self._notes, *([lost] if self._lost else [])]
            if not self._put(b"".join(map(self._said, notes))):
                self._lost += 1
                return
            self._notes.clear()
            self._lost = 0
        if not self._put(line):
            self._lost += 1

    def _follow(self, path: str) -> None:
        """Opens the log anew when its name leads elsewhere: first the new one, then ours is let go."""
        with suppress(OSError):
            if _identity(os.stat(path)) == self._identity:
                self._since, self._told = 0.0, False
                return
        now = time.monotonic()
        if now < self._next_try:
            return
        self._next_try = now + _AGAIN_SECONDS
        error = self._open(path)
        if not error:
            self._since, self._told = 0.0, False
            return
        self._since = self._since or now
        if not self._told and now - self._since > _PATIENCE_SECONDS:
            self._told = True
            self._notes.append(f"the log {path} cannot be opened ({error}): the old one is written until it can")

    def _open(self, path: str) -> str:
        """What is wrong, or ""; then the new file is ours, and the old one closed."""
        try:
            new = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o640)
        except OSError as error:
            return error.strerror or type(error).__name__
        if self._ours() is not None:
            os.close(self._file)
        self._file, self._identity = new, _identity(os.fstat(new))
        return ""

    def _ours(self) -> os.stat_result | None:
        """What our descriptor leads to; None when somebody closed it, whatever its number is used for now."""
        with suppress(OSError):
            found = os.fstat(self._file)
            if _identity(found) == self._identity:
                return found
        return None

    def _put(self, line: bytes) -> bool:
        """Whether the line was written, and wholly."""
        found = self._ours()
        if found is None and self._path:
            self._identity = _NOBODYS
            self._open(self._path)
            found = self._ours()
        file, done = self._file if found else _STDOUT, 0
        if self._torn:
            line = b"\n" + line
        try:
            with _alone(file) if stat.S_ISFIFO((found or os.fstat(file)).st_mode) else nullcontext():
                while done < len(line):
                    done += _written(file, line[done:])
        except OSError as error:
            self._why = error.strerror or type(error).__name__
            self._torn = bool(done) and not _taken_back(file, done)
            return False
        self._torn = False
        return True


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


@contextmanager
def _alone(file: int) -> Iterator[None]:
    if _fcntl is not None:
        with suppress(OSError):
            _fcntl.lockf(file, _fcntl.LOCK_EX)
    try:
        yield
    finally:
        if _fcntl is not None:
            with suppress(OSError):
                _fcntl.lockf(file, _fcntl.LOCK_UN)


def _written(file: int, data: bytes) -> int:
    """How many bytes were taken; a reader that set the pipe to non-blocking has a second to read on."""
    try:
        return os.write(file, data)
    except BlockingIOError:
        from select import select

        select([], [file], [], 1.0)
        return os.write(file, data)


def _taken_back(file: int, size: int) -> bool:
    """Whether the beginning of a line, behind which the disk was full, is gone again."""
    with suppress(OSError):
        end = os.lseek(file, 0, os.SEEK_CUR)
        if os.fstat(file).st_size == end:
            os.ftruncate(file, end - size)
            return True
    return False
