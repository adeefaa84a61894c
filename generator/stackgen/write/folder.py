"""One folder, reached only through descriptors of its own folders, so that no link below it is ever followed."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

STAGE = ".stackgen-stage"
"""Holds texts until they are renamed into place; what a killed run left in it, the next run removes."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Kind = Literal["missing", "file", "folder", "link", "other"]


class Refused(Exception):
    """The system refused something; it names only the last part of a path, this all of it."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(f"{path}: {cause}")
        self.path = path
        self.cause = cause


class Folder:
    """Reads and changes files by their path below one folder, with forward slashes."""

    def __init__(self, root: int) -> None:
        self._open = {"": root}
        self._touched: set[str] = set()

    def try_lock(self) -> bool:
        """Whether the folder is ours alone from now on, until close or the end of the process."""
        try:
            fcntl.flock(self._folder(""), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Ends every descriptor, the lock with them."""
        while self._open:
            os.close(self._open.popitem()[1])

    def kind(self, path: str) -> tuple[Kind, str]:
        """What stands at the path; when a part above is no folder, what that is, and the part's own path."""
        above = path.rpartition("/")[0]
        if above and above not in self._open:
            kind, at = self.kind(above)
            if kind != "folder":
                return kind, at
        return self._kind(path), path

    def _kind(self, path: str) -> Kind:
        above, _, name = path.rpartition("/")
        with _at(path):
            try:
                mode = os.stat(name, dir_fd=self._folder(above), follow_symlinks=False).st_mode
            except FileNotFoundError:
                return "missing"
        if stat.S_ISLNK(mode):
            return "link"
        if stat.S_ISDIR(mode):
            return "folder"
        return "file" if stat.S_ISREG(mode) else "other"

    def _folder(self, path: str) -> int:
        if path not in self._open:
            above, _, name = path.rpartition("/")
            self._open[path] = os.open(name, _FOLDER, dir_fd=self._folder(above))
        return self._open[path]

    def read(self, path: str) -> bytes:
        """The bytes of a plain file."""
        above, _, name = path.rpartition("/")
        with _at(path), open(os.open(name, _READ, dir_fd=self._folder(above)), "rb") as stream:
            return stream.read()

    def open_to_all(self, path: str) -> None:
        """Lets everybody read a plain file and enter the folders above, whatever the umask of who cloned them."""
        above, _, name = path.rpartition("/")
        with _at(path):
            if os.stat(name, dir_fd=self._folder(above)).st_mode & 0o444 != 0o444:
                with open(os.open(name, _READ, dir_fd=self._folder(above)), "rb") as stream:
                    os.fchmod(stream.fileno(), 0o644)
            while above:
                if os.fstat(self._folder(above)).st_mode & 0o555 != 0o555:
                    readable(self._folder(above))
                above = above.rpartition("/")[0]

    def walk(self, path: str = "") -> Iterator[str]:
        """Every path below that is not a folder, sorted; folders whose name starts with a dot are not entered."""
        with _at(path), os.scandir(self._folder(path)) as entries:
            names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        for name, is_folder in names:
            inner = f"{path}/{name}" if path else name
            if not is_folder:
                yield inner
            elif not name.startswith("."):
                yield from self.walk(inner)

    def clear_stage(self) -> None:
        """Removes the stage and what is in it; a link or file of its name is removed, not followed."""
        match self._kind(STAGE):
            case "missing":
                return
            case "folder":
                stage = self._folder(STAGE)
                for name in os.listdir(stage):
                    os.unlink(name, dir_fd=stage)
                self._remove_folder(STAGE)
            case _:
                os.unlink(STAGE, dir_fd=self._folder(""))

    def stage(self, texts: list[tuple[str, bytes]]) -> None:
        """Writes and syncs the text of each path into the stage, under its number in the list."""
        with _at(""):
            os.mkdir(STAGE, 0o700, dir_fd=self._folder(""))
        stage = self._folder(STAGE)
        for number, (path, text) in enumerate(texts):
            with _at(path), open(os.open(str(number), _CREATE, 0o644, dir_fd=stage), "wb") as stream:
                os.fchmod(stream.fileno(), 0o644)
                stream.write(text)
                stream.flush()
                _begin_sync(stream.fileno())
        # All are on their way before the first is waited for: a journalling file system then commits most at once.
        for number, (path, _) in enumerate(texts):
            with _at(path), open(os.open(str(number), _READ, dir_fd=stage), "rb") as stream:
                os.fsync(stream.fileno())

    def place(self, number: int, path: str) -> None:
        """Renames a staged text into place; makes the folders above."""
        above, _, name = path.rpartition("/")
        with _at(path):
            os.rename(str(number), name, src_dir_fd=self._folder(STAGE), dst_dir_fd=self._made(above))
        self._touched.add(above)

    def _made(self, path: str) -> int:
        if path and path not in self._open:
            above, _, name = path.rpartition("/")
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=self._made(above))
                self._touched.add(above)
                readable(self._folder(path))
        return self._folder(path)

    def remove(self, path: str) -> None:
        """Removes a file."""
        above, _, name = path.rpartition("/")
        with _at(path):
            os.unlink(name, dir_fd=self._folder(above))
        self._touched.add(above)

    def prune(self, path: str) -> None:
        """Removes the folders above the path, as far up as they are empty; never the root."""
        while path := path.rpartition("/")[0]:
            if self.kind(path) == ("folder", path) and not os.listdir(self._folder(path)):
                self._remove_folder(path)

    def _remove_folder(self, path: str) -> None:
        above, _, name = path.rpartition("/")
        os.close(self._open.pop(path))
        os.rmdir(name, dir_fd=self._folder(above))
        self._touched.discard(path)
        self._touched.add(above)

    def sync(self) -> None:
        """Makes every rename, removal and new folder so far survive a loss of power."""
        for path in self._touched:
            os.fsync(self._folder(path))
        self._touched = set()


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[Folder]:
    """The existing folder, for this process alone. Raises TimeoutError when another has it for so long."""
    folder = Folder(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    try:
        deadline = time.monotonic() + seconds
        while not folder.try_lock():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.02)
        yield folder
    finally:
        folder.close()


def readable(folder: int | Path) -> None:
    """Lets everybody enter a folder just made, whatever the umask: containers read it as another user."""
    os.chmod(folder, stat.S_IMODE(os.stat(folder).st_mode) | 0o755)


def _begin_sync(file: int) -> None:
    """Lets the system begin to write a file out, where it can be asked to: the sync itself then takes half the time."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def _at(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(path, error) from error
