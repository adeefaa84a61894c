"""What a person is told when output/ cannot be written, or is not as it should be."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stackgen.problem import Mark, Problem, SpecError
from stackgen.write import manifest
from stackgen.write.folder import Folder, Refused
from stackgen.write.manifest import MANIFEST, Known
from stackgen.write.states import State

GENERATE = "run `stackgen generate` and commit the output folder"

_OF_STATE: Mapping[State, tuple[str, str, str]] = {
    "missing": ("output-missing", "is not there", GENERATE),
    "ours": ("output-stale", "differs from what stack.yaml gives now", GENERATE),
    "edited": (
        "output-edited",
        "was edited by hand since it was generated",
        "move the change to stack.yaml, or give it up with `stackgen generate --force`",
    ),
    "foreign": (
        "output-foreign",
        "a file that we did not generate stands where one of ours must go",
        "move it away, or overwrite it with `stackgen generate --force`",
    ),
    "blocked": (
        "output-blocked",
        "expected a plain file below plain folders, got a link, a folder or a device",
        "remove it; what stands below the output folder is never reached through links",
    ),
}
_ELSEWHERE = "make it writable for this user, or name another folder with --output"
_HINTS = {
    errno.ENOSPC: "make room on the disk and run again; no file is half written",
    errno.EDQUOT: "make room in your quota and run again; no file is half written",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f) and run again; no file is half written",
    errno.EACCES: _ELSEWHERE,
    errno.EPERM: _ELSEWHERE,
    errno.EROFS: "this file system is read-only; name another folder with --output",
    errno.ENOTDIR: "remove the file that stands there, or name another folder with --output",
    errno.EEXIST: "remove the file that stands there, or name another folder with --output",
    errno.EXDEV: "nothing may be mounted below the output folder",
}


def problem(output: Path, path: str, rule: str, message: str, hint: str) -> Problem:
    """A finding about one file of output/, or with an empty path about the folder."""
    return Problem(Mark(str(output / path)), rule, "", message, hint)


def of_state(output: Path, path: str, state: State) -> Problem:
    """What is wrong with a planned path in this state, which is not `new`."""
    return problem(output, path, *_OF_STATE[state])


def known(folder: Folder, output: Path) -> Known:
    """What manifest and journal list. Raises SpecError when they are not ours."""
    try:
        return manifest.known(folder)
    except ValueError as error:
        hint = "take it back from git, or run `stackgen generate --force`, which then overwrites but removes nothing"
        raise SpecError([problem(output, MANIFEST, "output-manifest", str(error), hint)]) from error


def texts(files: Mapping[str, str], output: Path) -> dict[str, bytes]:
    """The bytes of every file, sorted. Raises SpecError for paths that cannot be, or not beside each other."""
    faults = [(path, f"{path!r} {fault}") for path in files if (fault := manifest.path_fault(path))]
    faults += [
        (path, f"{path!r} cannot stand beside {other!r}: some file systems take them for one")
        for other, path in manifest.collisions(files)
    ]
    if faults:
        raise SpecError(
            problem(output, "", "output-path", text, "rename what makes it in stack.yaml") for _, text in faults
        )
    return {path: text.encode() for path, text in sorted(files.items())}


@contextmanager
def os_errors_as_problems(output: Path) -> Iterator[None]:
    """What the operating system refuses becomes one Problem that names the file and what to do."""
    try:
        yield
    except TimeoutError as error:
        message, hint = "another run of stackgen is writing here", "wait until it ends, then run again"
        raise SpecError([problem(output, "", "output-locked", message, hint)]) from error
    except Refused as error:
        raise SpecError([_refused(output, error.path, error.cause)]) from error
    except OSError as error:
        raise SpecError([_refused(output, "", error)]) from error


def _refused(output: Path, path: str, error: OSError) -> Problem:
    hint = _HINTS.get(error.errno or 0, "put it right and run again; no file is half written")
    return problem(output, path, "output-refused", f"the system says: {error.strerror or error}", hint)
