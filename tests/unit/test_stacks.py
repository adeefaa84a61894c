"""Many stacks at once: each its folder, what they share once, and nothing of a person's lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stackgen import problem
from stackgen.stacks.find import find

COMMON = """\
version: 1
stack: {owner: platform}
celery: {broker: {kind: redis}}
alerting:
  receivers: {chat: {slack: {api_url_file: /run/secrets/slack, channel: "#celery"}}}
  default: chat
outputs: [prometheus, runbooks, docs, schema]
"""
STACK = """\
extends: common.yaml
stack: {{name: {name}}}
celery: {{app: {name}}}
queues: {{celery: , mail: {{owner: mail}}}}
"""
STAGING = "extends: shop.yaml\nstack: {environment: staging}\nthresholds: {queue_length: {critical: 8000}}\n"


def _written(root: Path) -> Path:
    stacks = root / "stacks"
    stacks.mkdir()
    (stacks / "common.yaml").write_text(COMMON)
    for name in ("shop", "crm"):
        (stacks / f"{name}.yaml").write_text(STACK.format(name=name))
    (stacks / "shop.staging.yaml").write_text(STAGING)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two applications, one of them in two environments, and what they share."""
    return _written(tmp_path)


@pytest.fixture(scope="module")
def _once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = _written(tmp_path_factory.mktemp("once"))
    assert _run(root, "generate", "stacks").returncode == 0
    return root


@pytest.fixture
def generated(_once: Path, tmp_path: Path) -> Path:
    """The same after `stackgen generate stacks`."""
    return shutil.copytree(_once, tmp_path, dirs_exist_ok=True)


def _run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(problem.__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    command = [sys.executable, "-m", "stackgen", *args]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def _files(folder: Path) -> dict[str, str]:
    output = folder / "output"
    return {p.relative_to(output).as_posix(): p.read_text() for p in output.rglob("*") if p.is_file()}


def _tops(folder: Path) -> set[str]:
    return {path.name for path in (folder / "output").iterdir()}


def test_each_stack_has_its_folder_and_what_they_share_stands_above(generated: Path) -> None:
    made = _files(generated)
    own = {"shop-production", "shop-staging", "crm-production"}
    assert _tops(generated) == own | {"README.md", "docs", "schema", "MANIFEST.json", ".gitignore", ".gitattributes"}
    for path in ("schema/stack.schema.json", "docs/stack.md", "docs/plan.md", "docs/guide.md"):
        assert path in made
        assert not any(f"{one}/{path}" in made for one in own)
    plan = json.loads(made["shop-staging/plan.json"])
    assert plan["alerts"]["queue_length/critical"]["threshold"] == 8000
    assert plan["alerts"]["queue_length/critical"]["runbook_url"].startswith("output/shop-staging/runbooks/")


def test_the_page_above_lists_stacks_owners_and_alerts(generated: Path) -> None:
    page = _files(generated)["README.md"].splitlines()
    assert sum(line.startswith(("| `shop` |", "| `crm` |")) for line in page) == 3
    assert "| `mail` | all |" in page
    assert "| CeleryQueueBacklog | critical | above 8000 for 10m | shop-staging |" in page
    assert "| CeleryQueueBacklog | critical | above 5000 for 10m | crm-production, shop-production |" in page
    assert "| CeleryQueueBacklog | warning | above 1000 for 10m | all |" in page


def test_the_errors_of_one_stack_do_not_hide_those_of_another(generated: Path) -> None:
    before = _files(generated)
    (generated / "stacks/shop.yaml").write_text(
        STACK.format(name="shop") + "thresholds: {queue_lenght: {critical: 1}}\n"
    )
    (generated / "stacks/crm.yaml").write_text(STACK.format(name="crm").replace("mail: {", "mail: {role: dead, "))
    (generated / "stacks/ml.yaml").write_text(STACK.format(name="ml"))
    done = _run(generated, "generate", "stacks")
    assert done.returncode == 1
    errors = [line.partition(" ")[0] for line in done.stderr.splitlines() if ": error[" in line]
    assert errors == ["stacks/crm.yaml:4:33:", "stacks/shop.yaml:5:14:"]
    after = _files(generated)
    assert {path: after[path] for path in before} == before
    assert "ml-production/plan.json" in after


def test_a_stack_that_is_gone_takes_its_files_along_and_no_others(generated: Path) -> None:
    (generated / "output/crm-production/notes.txt").write_text("mine")
    (generated / "stacks/crm.yaml").unlink()
    (generated / "stacks/shop.staging.yaml").unlink()
    done = _run(generated, "generate", "stacks")
    assert done.returncode == 0
    left = {path for path in _files(generated) if path.startswith(("crm-", "shop-staging"))}
    assert left == {"crm-production/notes.txt"}
    assert "shop-staging" not in _tops(generated)
    assert _run(generated, "check", "--fast", "stacks").returncode == 0


def test_a_file_edited_by_hand_keeps_a_stack_from_going(generated: Path) -> None:
    edited = generated / "output/crm-production/plan.json"
    edited.write_text("{}")
    (generated / "stacks/crm.yaml").unlink()
    done = _run(generated, "generate", "stacks")
    assert done.returncode == 1
    assert "output/crm-production/plan.json: error[output-edited]" in done.stderr
    assert "crm-production/runbooks/README.md" in _files(generated)


def test_generating_again_changes_nothing(generated: Path) -> None:
    before = _files(generated)
    done = _run(generated, "generate", "stacks/shop.staging.yaml", "stacks/shop.yaml", "stacks/crm.yaml")
    assert done.returncode == 0
    assert "created" not in done.stderr
    assert "updated" not in done.stderr
    assert _files(generated) == before


def test_check_sees_what_is_stale_in_one_folder_and_above(generated: Path) -> None:
    assert _run(generated, "check", "--fast", "stacks").returncode == 0
    (generated / "output/README.md").unlink()
    (generated / "stacks/crm.yaml").write_text(
        STACK.format(name="crm") + "thresholds: {queue_length: {critical: 7000}}\n"
    )
    done = _run(generated, "check", "--fast", "stacks", "--format", "json")
    assert done.returncode == 1
    assert {(one["file"], one["rule"]) for one in json.loads(done.stdout)} == {
        ("output/README.md", "output-missing"),
        ("output/crm-production/MANIFEST.json", "output-stale"),
    }


@pytest.mark.slow
@pytest.mark.promtool
def test_check_asks_the_real_programs_about_every_stack(generated: Path) -> None:
    done = _run(generated, "check", "stacks")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "output: 3 stacks")


def test_two_files_for_one_stack_are_refused(folder: Path) -> None:
    (folder / "stacks/again.yaml").write_text(STACK.format(name="shop"))
    found = find([folder / "stacks"])
    assert [(p.rule, Path(p.mark.file).name, p.mark.line) for p in found.problems] == [
        ("duplicate-stack", "shop.yaml", 2)
    ]


def test_what_others_extend_is_a_stack_unless_one_of_them_is_the_same(folder: Path) -> None:
    found = find([folder / "stacks"])
    assert [one.folder for one in found.stacks] == ["crm-production", "shop-production", "shop-staging"]
    assert [path.name for path in found.bases] == ["common.yaml"]
    (folder / "stacks/shop.production.yaml").write_text("extends: shop.yaml\nstack: {environment: production}\n")
    found = find([folder / "stacks"])
    assert [one.path.name for one in found.stacks] == ["crm.yaml", "shop.production.yaml", "shop.staging.yaml"]
    assert [path.name for path in found.bases] == ["common.yaml", "shop.yaml"]


def test_generated_and_hidden_files_are_no_stacks(folder: Path) -> None:
    _run(folder, "generate", "stacks", "--output", "stacks/output")
    (folder / "stacks/.hidden").mkdir()
    (folder / "stacks/.hidden/x.yaml").write_text("a: 1\n")
    assert len(find([folder / "stacks"]).stacks) == 3


def test_a_folder_without_stacks_is_an_error(tmp_path: Path) -> None:
    assert [p.rule for p in find([tmp_path]).problems] == ["no-file"]
    done = _run(tmp_path, "generate", ".")
    assert done.returncode == 1
    assert not (tmp_path / "output").exists()


def test_one_of_many_can_be_generated_checked_and_compared_alone(generated: Path) -> None:
    before = _files(generated)
    alone = ("--stack", "stacks/crm.yaml", "--output", "output/crm-production")
    assert _run(generated, "generate", *alone).returncode == 0
    assert _files(generated) == before
    assert _run(generated, "check", "--fast", *alone).returncode == 0
    assert _run(generated, "diff", *alone).returncode == 0


def test_one_stack_is_not_written_where_many_stand(generated: Path) -> None:
    before = _files(generated)
    done = _run(generated, "generate", "--stack", "stacks/crm.yaml")
    assert (done.returncode, "output: error[output-many]: 3 stacks stand here" in done.stderr) == (1, True)
    assert _files(generated) == before


def test_one_address_for_the_runbooks_of_several_stacks_is_told(folder: Path) -> None:
    links = "links: {runbooks: https://git.example.com/runbooks}\n"
    (folder / "stacks/common.yaml").write_text(COMMON + links)
    done = _run(folder, "generate", "stacks")
    assert done.returncode == 0
    assert done.stderr.count("warning[same-runbooks]") == 1
    assert "stacks/common.yaml:8:19: warning[same-runbooks]" in done.stderr


def test_many_stacks_and_one_are_not_named_together(folder: Path) -> None:
    done = _run(folder, "generate", "stacks", "--stack", "stacks/crm.yaml")
    assert (done.returncode, "name many stacks, or one with --stack" in done.stderr) == (2, True)
    assert not (folder / "output").exists()


def test_stacks_whose_sources_nothing_tells_apart_in_one_prometheus_are_named(folder: Path) -> None:
    """`outputs` lists neither compose nor alertmanager, so others run Prometheus."""
    told = {"shop": "labels: {app: shop}", "crm": "job: crm-exporter"}
    for name, how in told.items():
        path = folder / f"stacks/{name}.yaml"
        path.write_text(f"{path.read_text()}sources: [{{name: celery-exporter, {how}}}]\n")
    done = _run(folder, "generate", "stacks")
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if "same-sources" in line] == [
        f"stacks/shop{one}.yaml: warning[same-sources]: sources: in one Prometheus "
        f'{{job=~"(.+/)?celery-exporter",app="shop"}} of this stack is also that of shop-{other}'
        for one, other in (("", "staging"), (".staging", "production"))
    ]
