"""The README's examples: three environments, fifteen applications, each file of ten lines at most."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stackgen import problem

README = Path(__file__).parents[2] / "README.md"
SECTION = README.read_text(encoding="utf-8").partition("## Environments and applications")[2].partition("\n## ")[0]
FILES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", SECTION, re.DOTALL))
SAID = dict(re.findall(r"```\n\$ stackgen ([^\n]+)\n(.*?)```", SECTION, re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the README."""
    (tmp_path / "stacks").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(problem.__file__).resolve().parents[1])}
    command = [sys.executable, "-m", "stackgen", *args]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_no_file_has_more_than_ten_lines() -> None:
    assert len(FILES) == 5
    assert {name: text.count("\n") for name, text in FILES.items() if text.count("\n") > 10} == {}


def test_one_machine(tmp_path: Path) -> None:
    example = README.read_text(encoding="utf-8").partition("## The smallest stack.yaml")[2].partition("```yaml\n")[2]
    (tmp_path / "stack.yaml").write_text(example.partition("```")[0])
    assert example.partition("```")[0].count("\n") <= 10
    done = _run(tmp_path, "generate")
    assert (done.returncode, "error" in done.stderr) == (0, False)
    assert {"docker-compose.yml", ".env.example", "prometheus", "grafana", "alertmanager"} <= {
        path.name for path in (tmp_path / "output").iterdir()
    }


def test_three_environments(folder: Path) -> None:
    done = _run(folder, "generate", *sorted(path.name for path in folder.glob("stack*.yaml")))
    assert (done.returncode, "error" in done.stderr) == (0, False)
    made = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("output/*/plan.json")}
    assert set(made) == {"shop-production", "shop-staging", "shop-dev"}
    critical = {name for name, plan in made.items() if "queue_length/critical" in plan["alerts"]}
    assert critical == {"shop-production"}
    assert {name: plan["queues"]["mail"]["owner"] for name, plan in made.items()} == {
        "shop-production": "mail-team",
        "shop-staging": "mail-team",
        "shop-dev": "shop-team",
    }
    assert "trial" in made["shop-dev"]["queues"]


def test_what_diff_is_said_to_say(folder: Path) -> None:
    ((command, text),) = SAID.items()
    assert _run(folder, *command.split()).stdout == text


def test_fifteen_applications(folder: Path) -> None:
    names = [f"app{number}" for number in range(14)]
    for name in names:
        (folder / f"stacks/{name}.yaml").write_text(FILES["stacks/shop.yaml"].replace("shop", name))
    done = _run(folder, "generate", "stacks/")
    assert (done.returncode, "error" in done.stderr) == (0, False)
    made = {path.parent.name for path in folder.glob("output/*/plan.json")}
    assert made == {f"{name}-production" for name in ("shop", *names)}
    assert _run(folder, "check", "--fast", "stacks/").returncode == 0
