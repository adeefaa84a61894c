"""`make matrix [CELLS="3.9 5.2"]`: each Python that is here, with each Celery; prints the README's table.

Environments are kept in .tools/matrix. `python -m tests.matrix 3.9 5.2` does the cells with these versions only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.flower.redis_server import redis_server
from tests.matrix.cell import Differs, examine

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
CELERYS = ("5.2.7", "5.3.6", "5.4.0", "5.5.3", "5.6.3", "5.7.0")
_ASKED = "import sys, venv, ensurepip; print(sys.version)"
KEPT = Path(__file__).resolve().parents[2] / ".tools" / "matrix"


def main(only: list[str]) -> int:
    """Prints each cell as it ends, then the table; 1 when one is not exact."""
    results: dict[tuple[str, str], str] = {}
    for python in PYTHONS:
        for celery in CELERYS:
            chosen = not only or (python in only or not {*only} & {*PYTHONS})
            chosen = chosen and (any(celery.startswith(one) for one in only) or not {*only} - {*PYTHONS})
            results[python, celery] = _cell(python, celery) if chosen else "–"
            print(f"Python {python}, Celery {celery}: {results[python, celery]}", file=sys.stderr, flush=True)
    print(table(results))
    return int(any(result.startswith("differs") for result in results.values()))


def table(results: dict[tuple[str, str], str]) -> str:
    """Markdown: a row for each Python."""
    head = ["", *(f"Celery {celery}" for celery in CELERYS)]
    rows = [[f"Python {python}", *(results[python, celery] for celery in CELERYS)] for python in PYTHONS]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def _cell(python: str, celery: str) -> str:
    """`exact`, or why not."""
    interpreter = found(python)
    if interpreter is None:
        return "no such Python here"
    environment = _installed(interpreter, python, celery)
    if environment is None:
        return "not for this Python"
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as broker:
        try:
            examine(environment, Path(name), broker)
        except Differs as difference:
            words = str(difference)
            return words if words.startswith("Celery itself") else f"differs: {words}"
    return "exact"


def found(python: str) -> Path | None:
    """An interpreter of this version: pyenv's, else one on the PATH."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    own = sorted(root.glob(f"{python}.*/bin/python3")) if root.is_dir() else []
    on_path = shutil.which(f"python{python}")
    candidates = [*own, *([Path(on_path)] if on_path else [])]
    for one in candidates:
        asked = subprocess.run([one, "-c", _ASKED], capture_output=True, check=False)
        if asked.returncode == 0 and asked.stdout.decode().startswith(python + "."):
            return one
    return None


def _installed(interpreter: Path, python: str, celery: str) -> Path | None:
    """The Python of an environment with this Celery; None when pip finds none for it."""
    folder = KEPT / f"{python}-{celery}"
    inside = folder / "bin" / "python"
    if not (folder / "done").exists():
        subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
        # The kombu of its time: the newest does not work with the redis that an older Celery asks for. Some kombus
        # import packaging and do not say that they need it.
        packages = [f"celery[redis]=={celery}", f"kombu=={celery.rpartition('.')[0]}.*", "packaging"]
        pip = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
        done = subprocess.run(pip, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            if "No matching distribution" in done.stderr:
                return None
            raise RuntimeError(done.stderr)
        (folder / "done").touch()
    return inside


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
