"""alertmanager.yml does what the plan says, and our reading of it is that of the real amtool."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stackgen.verify.tools import run
from tests.alertmanager import meant, messages
from tests.alertmanager.reading import Config, Labels, ways
from tests.alertmanager.stacks import HEAD, plan_of, understood, write

ROOT = Path(__file__).parents[2]
STACKS = (ROOT / "stack.yaml", ROOT / "tests/specs/valid/alerting.yaml", ROOT / "tests/copies/clusters.stack.yaml")
ODD: Config = {
    "route": {
        "receiver": "root",
        "group_by": ["a"],
        "group_wait": "1s",
        "group_interval": "1m",
        "repeat_interval": "1h",
        "routes": [
            {"matchers": ['queue=~"a|b.*"'], "receiver": "regexp", "continue": True},
            {"matchers": ['severity!="critical"', 'queue!~"x"'], "receiver": "negated"},
            {"matchers": ['queue="q\\"1\\n\\\\"'], "receiver": "quoted", "routes": [{"matchers": ['owner=""']}]},
        ],
    },
    "receivers": [{"name": name} for name in ("root", "regexp", "negated", "quoted")],
}
ASKED: tuple[Labels, ...] = (
    {},
    {"queue": "a"},
    {"queue": "ab"},
    {"queue": "b\nc", "severity": "critical"},
    {"queue": "x", "severity": "warning"},
    {"queue": 'q"1\n\\', "severity": "critical"},
    {"queue": 'q"1\n\\', "severity": "critical", "owner": "me"},
)


def _config(stack: Path, folder: Path) -> Config:
    config: Config = yaml.safe_load(write(understood(stack)[1], folder).read_text(encoding="utf-8"))
    return config


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_every_alert_is_told_and_muted_as_the_plan_says(stack: Path, tmp_path: Path) -> None:
    assert [*meant.findings(_config(stack, tmp_path), understood(stack)[1])] == []


@pytest.mark.promtool
@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_every_message_says_what_is_wrong_and_where_to_look(stack: Path, newest: Path, tmp_path: Path) -> None:
    config = _config(stack, tmp_path)
    amtool = newest / "usr/bin/amtool"
    assert [*messages.missing(config)] == []
    assert [why for text in set(messages.texts(config)) for why in messages.wrong(*text, amtool, tmp_path)] == []


@pytest.mark.promtool
def test_amtool_reads_routes_as_we_do(newest: Path, tmp_path: Path) -> None:
    (tmp_path / "odd.yml").write_text(yaml.safe_dump(dict(ODD)), encoding="utf-8")
    for labels in ASKED:
        wanted = ",".join(way.receiver for way in ways(ODD["route"], labels))
        asked = [f"{name}={_quoted(value)}" for name, value in labels.items()]
        done = run(newest / "usr/bin/amtool", "config", "routes", "test", "--config.file=odd.yml", *asked, cwd=tmp_path)
        assert (labels, done.out.strip(), done.code) == (labels, wanted, 0)


def test_a_stack_that_tells_nobody_is_as_the_plan_says(tmp_path: Path) -> None:
    plan = plan_of(HEAD, tmp_path)
    assert [*meant.findings(yaml.safe_load(write(plan, tmp_path).read_text(encoding="utf-8")), plan)] == []


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
