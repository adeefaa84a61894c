"""The built wheel, in an empty environment and far from the repository, generates the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

STACK = """\
version: 1
stack: {name: shop}
celery: {app: shop.celery, broker: {kind: redis}}
queues:
  celery: {}
  mail: {}
"""

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STACKGEN_"))}
# As the Makefile does; both pips below are started in the repository.
ENVIRONMENT |= {"PIP_CONSTRAINT": "constraints.txt", "PIP_BUILD_CONSTRAINT": "constraints.txt"}


def _run(command: Sequence[str | Path], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, repository], repository)
    (built,) = folder.glob("celery_stackgen-*.whl")
    return built


def test_the_wheel_holds_the_package_and_every_template_and_no_more(repository: Path, wheel: Path) -> None:
    package = {f"stackgen/{name}" for name in _tree(repository / "generator/stackgen") if "__pycache__/" not in name}
    templates = {f"stackgen/_templates/{name}" for name in _tree(repository / "templates")}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == package | templates


def test_the_installed_wheel_generates_what_the_repository_generates(
    repository: Path, wheel: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    installed = tmp_path / "venv" / "bin"
    _run([installed / "python", "-m", "pip", "install", "--quiet", wheel], repository)
    work = tmp_path / "elsewhere"  # no package lies here: what answers is what was installed
    work.mkdir()
    (work / "stack.yaml").write_text(STACK)

    _run([installed / "stackgen", "generate", "--stack", "stack.yaml", "--output", "installed"], work)
    _run([installed / "python", "-c", "import stackgen; assert 'site-packages' in stackgen.__file__"], work)
    ours = [sys.executable, "-m", "stackgen", "generate", "--stack"]
    _run([*ours, work / "stack.yaml", "--output", work / "repository"], repository)

    assert _tree(work / "installed") == _tree(work / "repository")
    assert _tree(work / "installed")
