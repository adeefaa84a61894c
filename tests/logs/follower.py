"""Reads growing log files as log shippers do: a file is known by device and inode, and read to its end when renamed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

INTERVAL = 0.05
"""Seconds between two looks."""


class Follower:
    """Every complete line of every file of a folder that is named like a log, rotated ones too, once."""

    def __init__(self, folder: Path, pattern: str = "*.log*") -> None:
        self._folder = folder
        self._pattern = pattern
        self._open: dict[tuple[int, int], int] = {}
        self._begun: dict[int, bytes] = {}
        self.lines: list[bytes] = []

    def look(self) -> None:
        """Opens files it does not know, then reads all that it has open to their present end."""
        for path in self._folder.glob(self._pattern):
            try:
                file = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue  # renamed since it was listed; the next look finds it under its new name
            found = os.fstat(file)
            if self._open.setdefault((found.st_dev, found.st_ino), file) != file:
                os.close(file)
        for file in self._open.values():
            self.lines += self._complete(file)

    def _complete(self, file: int) -> Iterator[bytes]:
        """Lines that have their end; the beginning of one is kept until the rest of it is there."""
        while chunk := os.read(file, 1 << 16):
            *lines, self._begun[file] = (self._begun.get(file, b"") + chunk).split(b"\n")
            yield from lines

    def unfinished(self) -> list[bytes]:
        """Lines without an end."""
        return [text for text in self._begun.values() if text]

    def close(self) -> None:
        """Lets all files go."""
        for file in self._open.values():
            os.close(file)
        self._open.clear()

    def run(self, done: threading.Event) -> None:
        """Looks again and again, and once more when it is told that nobody writes any more."""
        while not done.wait(INTERVAL):
            self.look()
        self.look()
