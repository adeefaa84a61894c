"""The built wheel, in an empty environment and far from the repository, generates the same bytes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from stackgen.verify import tools

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


@pytest.fixture(scope="module")
def installed(repository: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    _run([folder / "bin/python", "-m", "pip", "install", "--quiet", wheel], repository)
    return folder / "bin"


def test_the_installed_wheel_generates_what_the_repository_generates(
    repository: Path, installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "stack.yaml").write_text(STACK)

    _run([installed / "stackgen", "generate", "--stack", "stack.yaml", "--output", "installed"], tmp_path)
    _run([installed / "python", "-c", "import stackgen; assert 'site-packages' in stackgen.__file__"], tmp_path)
    ours = [sys.executable, "-m", "stackgen", "generate", "--stack"]
    _run([*ours, tmp_path / "stack.yaml", "--output", tmp_path / "repository"], repository)

    assert _tree(tmp_path / "installed") == _tree(tmp_path / "repository")
    assert _tree(tmp_path / "installed")


def _said(installed: Path, folder: Path, *args: str, code: int = 0) -> str:
    """All that the installed command says, with promtool and amtool on the PATH as people have them."""
    path = {Path(tools.find(name)).parent for name in ("promtool", "amtool")}
    environment = ENVIRONMENT | {"PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]])}
    command: list[str | Path] = [installed / "stackgen", *args]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert not re.search(r"\bmake\b|Traceback|\.venv", done.stdout + done.stderr)  # nobody has our Makefile
    return done.stdout + done.stderr


@pytest.mark.promtool
def test_a_first_day_with_nothing_but_the_wheel(installed: Path, tmp_path: Path) -> None:
    day = partial(_said, installed, tmp_path)
    stack, output = tmp_path / "stack.yaml", tmp_path / "output"
    assert "then run `stackgen generate`" in day("init")
    stack.write_text(stack.read_text().replace("my-app", "shop") + "  mail:\n")
    assert "how to start it stands in the first lines of output/docker-compose.yml" in day("generate")
    assert "up to date" in day("check")
    stack.write_text(stack.read_text() + "thresholds: {queue_length: {critical: 8000}}\n")
    assert day("diff", code=1).startswith("CeleryQueueBacklog critical 5000 → 8000\n")
    day("generate")
    assert "nothing would change" in day("diff")
    _run(["git", "init", "-q"], tmp_path)
    assert "output/.secrets/grafana_admin_password: created" in day("secrets")
    (output / ".env").write_text((output / ".env.example").read_text())
    _run(["git", "add", "-A"], tmp_path)
    kept = subprocess.run(["git", "ls-files"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert "output/.env.example" in kept
    assert [name for name in kept if ".secrets" in name or name.endswith(".env")] == []
    _run([tools.find("docker-compose"), "--profile", "*", "config", "--quiet"], output)
    assert "up to date" in day("check")
