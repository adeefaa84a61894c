"""The recipes of the README are law: each is followed in a copy of the product, and nothing but it is touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TOYS = Path(__file__).parent / "recipes"
PACKAGE = "generator/stackgen"
STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}, priority: {}}
"""

pytestmark = [pytest.mark.promtool, pytest.mark.slow]


def _recipes() -> dict[str, list[str]]:
    """What the README allows to touch, by what is added: the paths that the row links to."""
    table = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## Recipes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (an? [\w ]+) \| (.*) \|$", table, re.MULTILINE)
    return {what: re.findall(r"\]\(([^)]+)\)", touched) for what, touched in rows}


RECIPES = _recipes()


@dataclass
class House:
    """A copy of the product, in which a recipe is followed."""

    root: Path
    touched: list[str] = field(default_factory=list)

    def write(self, path: str, text: str) -> None:
        """Adds a file, or changes it."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.touched.append(path)

    def add(self, path: str, toy: str) -> None:
        """Adds one of our toys."""
        self.write(path, (TOYS / toy).read_text(encoding="utf-8"))

    def follows(self, recipe: str) -> None:
        """Nothing was touched but what the recipe names, and everything that it names was."""
        allowed = RECIPES[recipe]
        assert [path for path in self.touched if not path.startswith(tuple(allowed))] == []
        assert [place for place in allowed if not any(path.startswith(place) for path in self.touched)] == []

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Python in the copy."""
        environment = os.environ | {"PYTHONPATH": f"generator{os.pathsep}."}
        return subprocess.run(
            [sys.executable, *args], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )

    def stackgen(self, *args: str) -> str:
        """What a command of the copy prints; it must succeed."""
        done = self.run("-m", "stackgen", *args)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def make(self, stack: str = STACK) -> None:
        """`generate` and `check` are green."""
        (self.root / "stack.yaml").write_text(stack, encoding="utf-8")
        self.stackgen("generate")
        self.stackgen("check")

    def output(self, path: str) -> str:
        """A file of output/."""
        return (self.root / "output" / path).read_text(encoding="utf-8")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A copy of what `stackgen` is made of; bytecode comes along, which saves a second."""
    for folder in ("generator", "templates"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    (tmp_path / ".tools").symlink_to(REPOSITORY / ".tools")
    return House(tmp_path)


def test_every_recipe_has_a_law() -> None:
    assert list(RECIPES) == ["an alert", "an exporter", "a dashboard", "an output kind", "a setting", "a checker"]


def test_an_alert(house: House) -> None:
    house.add(f"{PACKAGE}/catalog/signals/toy.py", "alert.py")
    house.follows("an alert")
    own = "tasks: {shop.buy: {thresholds: {toy_revoked_ratio: {warning: 50%}}}}\n"
    house.make(STACK + "thresholds: {toy_revoked_ratio: {warning: 40%}}\n" + own)
    assert "alert: CeleryToyRevoked" in house.output("prometheus/rules/celery-tasks-shop-production.yml")
    assert "alertname: CeleryToyRevoked" in house.output("prometheus/tests/toy_revoked_ratio.yml")
    assert "See who revokes them." in house.output("runbooks/CeleryToyRevoked.md")
    assert "CeleryToyRevoked" in house.output("docs/alerts.md")
    assert "toy_revoked_ratio" in house.output("schema/stack.schema.json")
    assert "Toy revocation rate" in house.output("grafana/dashboards/celery-tasks.json")
    assert "toy_revoked_ratio" in house.stackgen("list")
    assert "CeleryToyRevoked" in house.stackgen("explain", "toy_revoked_ratio")


def _with_exporter(house: House) -> None:
    house.add(f"{PACKAGE}/catalog/sources/toy.py", "source.py")
    house.add("tests/scrapes/toy-1.0-load.prom", "toy-1.0-load.prom")
    house.follows("an exporter")


def test_an_exporter(house: House) -> None:
    _with_exporter(house)
    house.make(STACK + "sources: [toy, celery-exporter]\n")
    assert "job_name: toy" in house.output("prometheus/prometheus.yml")
    assert "toy_queue_length{" in house.output("prometheus/rules/celery-queues-shop-production.yml")
    assert "toy_queue_length{" in house.output("prometheus/tests/queue_length.yml")
    assert "  toy-exporter:\n    image: example/toy:1.0" in house.output("docker-compose.yml")
    assert "--queue=priority" in house.output("exporters/toy.yml")
    assert "A toy counts on its fingers." in house.output("runbooks/CeleryQueueBacklog.md")
    assert re.search(r"^toy .*queue_length", house.stackgen("list"), re.MULTILINE)


def test_an_exporter_is_held_against_its_scrape(house: House) -> None:
    shutil.copy(REPOSITORY / "pyproject.toml", house.root)
    for part in ("contract", "scrapes", "app", "flower"):  # the latter two are imported by contract
        shutil.copytree(REPOSITORY / "tests" / part, house.root / "tests" / part)
    shutil.copy(REPOSITORY / "tests/conftest.py", house.root / "tests")
    _with_exporter(house)
    done = house.run("-m", "pytest", "-v", "-k", "toy or every_s", "tests/contract")
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.findall(r"::(test_\w+).* PASSED", done.stdout)
    assert {
        "test_every_scrape_is_of_a_source",
        "test_every_source_has_scrapes_or_a_reason",
        "test_labels_are_as_scraped",
        "test_reading_gives_its_series_with_exactly_its_labels",
        "test_type_is_as_scraped",
    } <= set(passed)


def test_a_dashboard(house: House) -> None:
    house.add(f"{PACKAGE}/catalog/dashboards/toy.py", "dashboard.py")
    house.follows("a dashboard")
    house.make()
    board = json.loads(house.output("grafana/dashboards/celery-toy.json"))
    assert board["title"] == "Celery / Toy (shop, production)"
    assert "Toys Waiting" in [panel["title"] for panel in board["panels"]]


def test_an_output_kind(house: House) -> None:
    house.add(f"{PACKAGE}/emitters/toy.py", "emitter.py")
    house.add("templates/toy/queues.yml.j2", "queues.yml.j2")
    house.follows("an output kind")
    house.make(STACK + "outputs: [prometheus, toy, schema]\n")
    assert "queues:\n  - celery\n  - priority\n" in house.output("toy/queues.yml")
    assert '"toy"' in house.output("schema/stack.schema.json")
    (house.root / "stack.yaml").write_text(STACK + "outputs: [toi]\n", encoding="utf-8")
    refused = house.run("-m", "stackgen", "generate")
    assert refused.returncode == 1
    assert re.search(r"\btoy\b.*, got toi\n", refused.stderr)


def test_a_setting(house: House) -> None:
    path = f"{PACKAGE}/spec/model.py"
    before = (house.root / path).read_text(encoding="utf-8")
    anchor = '    environment: Slug = "production"\n'
    assert before.count(anchor) == 1
    house.write(path, before.replace(anchor, f'    toy: Slug = "ball"\n    """What the team plays with."""\n{anchor}'))
    house.follows("a setting")
    house.make(STACK.replace("name: shop", "name: shop, toy: kite"))
    properties = json.loads(house.output("schema/stack.schema.json"))["$defs"]["Stack"]["properties"]
    assert properties["toy"]["description"] == "What the team plays with."
    assert "| `toy` |" in house.output("docs/stack.md")
    read = "import pathlib, stackgen.pipeline as p; print(p.prepare(pathlib.Path('stack.yaml')).plan.spec.stack.toy)"
    assert house.run("-c", read).stdout == "kite\n"


def test_a_checker(house: House) -> None:
    house.add(f"{PACKAGE}/verify/plan/toy.py", "checker.py")
    house.follows("a checker")
    house.make()
    (house.root / "stack.yaml").write_text(STACK.replace("priority", "toy"), encoding="utf-8")
    for command in ("check", "generate"):
        found = house.run("-m", "stackgen", command)
        assert found.returncode == 1
        assert "stack.yaml:4:22: error[toy-queue]: queues.toy: expected a grown-up name" in found.stderr + found.stdout
