"""Taking Loki out of the stack takes its own files, services, panels, links and queries, and nothing else."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stackgen.catalog import registry
from stackgen.emitters.logs import SHIPPERS
from tests.logs.stacks import made

BROUGHT = {reading.series.name for one in registry.sources().values() if one.brought_by for reading in one.readings}
DROPPED = [one for one in registry.signals().values() if {series.name for series in one.needs} & BROUGHT]
"""Signals of the metrics that are read from what the logs bring along."""
JUDGED = [*DROPPED, *(one for one in registry.signals().values() if one.log_count)]
OTHERS = [name for name in SHIPPERS if name != "alloy"]
OWN = ("logs/alloy/", "logs/loki/")
LISTS_WHAT_IS_OFF = ("docs/alerts.md", "plan.json")


def _with_and_without(folder: Path) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The files of a stack with every shipper, and with all but Alloy."""
    every, others = (f"{{shippers: [{', '.join(names)}]}}" for names in ([*OTHERS, "alloy"], OTHERS))
    return made(folder, every), made(folder, others)


def _pages(files: Mapping[str, str]) -> set[str]:
    pages = {f"runbooks/{signal.alert}.md" for signal in JUDGED}
    return (pages | {f"prometheus/tests/{signal.id}.yml" for signal in DROPPED}) & set(files)


def test_its_files_go_and_no_other(tmp_path: Path) -> None:
    with_it, without = _with_and_without(tmp_path)
    gone = set(with_it) - set(without)
    assert {path for path in gone if not path.startswith(OWN)} == _pages(with_it) - _pages(without)
    assert {path for path in gone if path.startswith(OWN)}
    assert set(without) <= set(with_it)


def test_from_the_other_files_only_lines_go(tmp_path: Path) -> None:
    with_it, without = _with_and_without(tmp_path)
    for path in set(without) - set(LISTS_WHAT_IS_OFF):
        if path.startswith("grafana/dashboards/"):
            continue
        old, new = with_it[path].splitlines(), without[path].splitlines()
        added = [line for line in difflib.ndiff(old, new) if line.startswith("+ ")]
        added = [line for line in added if "stackgen.files: " not in line]  # checksums of files that lost lines
        added = [line for line in added if "target_matchers: " not in line]  # one of two signals is left
        assert added == [], path


def test_dashboards_lose_the_choice_the_lines_and_the_links(tmp_path: Path) -> None:
    with_it, without = _with_and_without(tmp_path)
    for path, text in without.items():
        if path.endswith(".json") and path != "plan.json":
            assert _bare(with_it[path]) == _bare(text), path


def test_nothing_names_it_any_more(tmp_path: Path) -> None:
    files = _with_and_without(tmp_path)[1]
    how_to_have_it = "grafana/dashboards/celery-stack.json"
    told_apart = (
        how_to_have_it,
        "docs/stack.md",
        "docs/plan.md",
        "docs/guide.md",
        "docs/alerts.md",
        "plan.json",
        "schema/",
    )
    named = {path for path, text in files.items() if "loki" in text.lower() or "alloy" in text.lower()}
    assert {path for path in named if not path.startswith(told_apart)} == set()


def _shows(panel: Any) -> bool:
    """Whether it is no panel of lines, and no note of what a stack does not show."""
    return bool(panel["id"] < 999 and panel["type"] != "text")


def _bare(text: str) -> Any:
    """A dashboard without what belongs to Loki and Alloy; anything else as it is."""
    for name in (f"|{signal.id}" for signal in DROPPED):
        text = text.replace(name, "")
    board = json.loads(text)
    if not isinstance(board, dict) or "panels" not in board:
        return board
    own = {"More", *(signal.title for signal in DROPPED)}
    board["templating"]["list"] = [v for v in board["templating"]["list"] if v["name"] != "loki_datasource"]
    board["panels"] = [panel for panel in board["panels"] if _shows(panel) and panel["title"] not in own]
    for panel in board["panels"]:
        panel["gridPos"].pop("w")  # what is left of a row fills it
        for target in panel.get("targets", ()):
            parts = target["expr"].split(" or ")
            target["expr"] = " or ".join(p for p in parts if 'job="alloy"' not in p and 'job="loki"' not in p)
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        config["defaults"].pop("links", None)
        config["overrides"][:] = [o for o in config["overrides"] if o["properties"][0]["id"] != "links"]
    return board


def test_without_the_output_logs_no_container_mounts_its_files(tmp_path: Path) -> None:
    every = f"{{shippers: [{', '.join(SHIPPERS)}]}}"
    files = made(tmp_path, every, "outputs: [prometheus, alertmanager, grafana, compose]\n")
    services = set(yaml.safe_load(files["docker-compose.yml"])["services"])
    shipping = set(yaml.safe_load(made(tmp_path, every)["docker-compose.yml"])["services"]) - services
    assert {"filebeat", "alloy", "cloudwatch-agent"} <= shipping
    assert "AWS_REGION" not in files[".env.example"]
