"""Finds and starts other programs: the only place that does."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from stackgen.problem import ToolMissing

TIMEOUT_SECONDS = 300.0
TIMED_OUT = 124
"""Exit code of a program that was stopped after its time, as coreutils' timeout(1) gives it."""

_REPOSITORY = Path(__file__).resolve().parents[3]
UNPACKED = _REPOSITORY / ".tools"
"""Where a checkout keeps what `make tools` fetched."""
_UNPACKED = ("v3", "v2", "compose", "kustomize")  # newest first; tests/tools/fetch.sh puts them there


class Completed(NamedTuple):
    """What a finished program left: exit code (0 is success), and its two texts."""

    code: int
    out: str
    err: str


def find(name: str) -> Path:
    """The program `name`: the environment's (STACKGEN_PROMTOOL for promtool), else the one in .tools, else the PATH's.

    Raises ToolMissing with what to do about it.
    """
    variable = f"STACKGEN_{name.upper().replace('-', '_')}"
    if wanted := os.environ.get(variable):
        return _from_environment(variable, wanted)
    for version in _UNPACKED:
        unpacked = UNPACKED / version / "usr" / "bin" / name
        if _is_program(unpacked):
            return unpacked
    if on_path := shutil.which(name):
        return Path(on_path).absolute()
    message = f"{name} is not on this machine; {_get(name)}, or set {variable} to its path"
    raise ToolMissing(message)


def run(tool: Path, *args: str | Path, cwd: Path, timeout_seconds: float = TIMEOUT_SECONDS) -> Completed:
    """Starts `tool` in `cwd` without a shell or input and waits for it; a program out of time counts as failed.

    Raises ToolMissing when the file cannot be started at all.
    """
    import subprocess  # costs what a whole emitter does, and generate starts no program

    command = [str(tool), *map(str, args)]
    # They live for seconds: a third of what promtool takes is collecting garbage, and 256 MB is enough to leave most.
    environment = {"GOGC": "400", **os.environ, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
            preexec_fn=_end_with_us if sys.platform == "linux" else None,
        )
    except subprocess.TimeoutExpired as e:
        late = f"{tool.name}: no answer after {timeout_seconds:g} s\n"
        return Completed(TIMED_OUT, _text(e.stdout), _text(e.stderr) + late)
    except OSError as e:
        message = f"{tool} cannot be started: {e.strerror}; {_get(tool.name)}"
        raise ToolMissing(message) from e
    return Completed(done.returncode, _text(done.stdout), _text(done.stderr))


def _end_with_us() -> None:
    """In the new process: be killed with the thread that waits for this program, whatever ends it."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _get(name: str) -> str:
    """How people come by a program: those of ours in a checkout, and Prometheus's own from their releases."""
    if (_REPOSITORY / "tests" / "tools").is_dir():
        return "run `make tools`"
    project = {"promtool": "prometheus", "amtool": "alertmanager"}.get(name)
    if project is None:
        return "install it on the PATH"
    return (
        f"it is in the archive {project}-….tar.gz at https://github.com/prometheus/{project}/releases, and in Debian's "
        f"package prometheus{'-alertmanager' if name == 'amtool' else ''}; put it on the PATH"
    )


def _from_environment(variable: str, wanted: str) -> Path:
    path = Path(wanted).expanduser().absolute()
    if not _is_program(path):
        message = f"{variable} is {wanted!r}, which is not a program; correct it or unset it"
        raise ToolMissing(message)
    return path


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _text(data: bytes | None) -> str:
    return (data or b"").decode(errors="replace")
