"""Without Filebeat everything of Elasticsearch is gone, and nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.emitters.logs import SHIPPERS

STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: config, broker: {{kind: redis}}}}
queues: {{celery: }}
{logs}
"""
FOLDERS = ("logs/filebeat/", "logs/elasticsearch/", "logs/kibana/")
SERVICES = {"filebeat", "elasticsearch", "kibana", "elk-certificates", "elk-accounts", "elk-kibana"}
VOLUMES = {"filebeat", "elasticsearch", "kibana", "elk"}
SECRETS = {"elastic_password", "kibana_password", "kibana_encryption_key"}
OTHERS = [name for name in SHIPPERS if name != "filebeat"]
LISTS = ("docs/guide.md", "docs/troubleshooting.md")
"""Pages that list what is generated."""
SHARED = {"logs"} - ({"logs"} if "alloy" in OTHERS else set())
"""Networks that go with the last shipper that uses them; CloudWatch's agent has one of its own."""


def _files(folder: Path, shippers: Sequence[str]) -> dict[str, str]:
    folder.mkdir()
    logs = f"logs: {{shippers: [{', '.join(shippers)}]}}" if shippers else ""
    (folder / "stack.yaml").write_text(STACK.format(logs=logs))
    return pipeline.stage(folder / "stack.yaml").files


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, str]]:
    folder = tmp_path_factory.mktemp("stacks")
    return _files(folder / "with", list(SHIPPERS)), _files(folder / "without", OTHERS)


Trees = tuple[dict[str, str], dict[str, str]]


def test_its_folders_are_gone_and_no_other_file(trees: Trees) -> None:
    with_it, without = trees
    gone = with_it.keys() - without.keys()
    assert {path for path in with_it if path.startswith(FOLDERS)} == gone
    assert without.keys() - with_it.keys() == set()


def test_nothing_else_changes_but_compose_pages_and_indexes(trees: Trees) -> None:
    with_it, without = trees
    changed = {path for path in without if with_it[path] != without[path]}
    assert {path for path in changed if not path.startswith("runbooks/")} == {"docker-compose.yml", "plan.json", *LISTS}


@pytest.mark.parametrize("path", LISTS)
def test_of_pages_only_links_to_its_files_go(path: str, trees: Trees) -> None:
    lines = _difference(path, trees)
    assert all(re.fullmatch(rf"-(- (\[x\] )?\[({'|'.join(FOLDERS)}).*)?", line) for line in lines), lines


def _difference(path: str, trees: Trees) -> list[str]:
    before, after = (tree[path].splitlines() for tree in trees)
    return [line for line in list(unified_diff(before, after, lineterm="", n=0))[2:] if not line.startswith("@@")]


def test_its_services_volumes_and_secrets_are_gone_and_the_others_as_they_were(trees: Trees) -> None:
    before, after = (_compose(tree) for tree in trees)
    for part, own in (("services", SERVICES), ("volumes", VOLUMES), ("secrets", SECRETS), ("networks", SHARED)):
        assert _but(before[part], own) == (after.get(part) or {}), part
        assert own <= set(before[part]), part


def _compose(tree: dict[str, str]) -> Any:
    """With the last shipper, the demo's own log files go too."""
    text = tree["docker-compose.yml"]
    return yaml.safe_load(text if OTHERS else re.sub(r" +- '?--logfile=.*\n", "", text))


def _but(part: dict[str, Any], own: set[str]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in own}


def test_of_runbooks_only_its_queries_go(trees: Trees) -> None:
    for path in (path for path in trees[1] if path.startswith("runbooks/Celery")):
        lines = _difference(path, trees)
        assert not [line for line in lines if line.startswith("+")], path
        assert any("```kql" in line for line in lines), path
        if OTHERS:
            assert all(re.fullmatch(r"-(Kibana, .*|```(kql)?|service\.name .*)?", line) for line in lines), path


def test_without_it_nobody_speaks_of_it(trees: Trees) -> None:
    words = ("kibana", "elasticsearch", "filebeat")
    own = ("docs/stack.md", "docs/plan.md", "docs/guide.md", "plan.json", "schema/")
    found = {path for path, text in trees[1].items() if any(word in text.lower() for word in words)}
    assert {path for path in found if not path.startswith(own)} == set()
