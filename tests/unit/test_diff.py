"""What a changed stack.yaml is said to change: one line a cause, what wakes people first, for every kind of change."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stackgen import pipeline
from stackgen.diff.compare import compare
from stackgen.diff.tree import read
from stackgen.diff.words import Style, render
from stackgen.resolve import plan_file
from tests.unit.diff_cases import ALERTING, CASES, STACK, sources, thresholds

Tree = dict[str, str | None]
Plans = Callable[[str], Tree]


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    """A tree with nothing but the plan of a stack.yaml."""

    def made(text: str) -> Tree:
        stack = tmp_path / "stack.yaml"
        stack.write_text(text, encoding="utf-8")
        return {plan_file.PATH: json.dumps(plan_file.as_json(pipeline.prepare(stack).plan))}

    return made


def _lines(old: Tree, new: Tree) -> list[str]:
    return render(compare(old, new), "text").splitlines()


@pytest.mark.parametrize(("old", "new", "expected"), CASES, ids=[" and ".join(case[2])[:80] for case in CASES])
def test_one_cause_is_one_line(plans: Plans, old: str, new: str, expected: list[str]) -> None:
    found = [line for line in _lines(plans(old), plans(new)) if not line.startswith("no setting changes")]
    assert found == expected


BEFORE = f"{sources('celery-exporter, worker, redis')}tasks: {{mail: {{period: 1d}}}}\n{ALERTING}"
SIX = (
    BEFORE.replace("worker, redis", "worker")
    .replace("  priority:\n", "  priority: {thresholds: {queue_length: {warning: 100, critical: 300}}}\n")
    .replace("mail:", "report: {period: 1h}, mail:")
    .replace("critical: oncall", "critical: chat")
    + "thresholds: {task_failure_ratio: {critical: 30%}, queue_wait_p95: {for: 10m}}\n"
)


def test_six_edits_at_once_name_each_cause_once_what_wakes_people_first(plans: Plans) -> None:
    assert _lines(plans(BEFORE), plans(SIX)) == [
        "source redis: removed, and with it CeleryBrokerDown (critical below 1 for 1m), "
        "CeleryEvidenceContradicted (broker_evidence) (warning below 1 for 2m), "
        "CeleryEvidenceContradicted (length_evidence) (warning below 1 for 5m)",
        "CeleryQueueBacklog[priority] critical 5000 → 300",
        "CeleryHighFailureRate critical 20% → 30%",
        "route of critical alerts receiver oncall → chat",
        "CeleryQueueBacklog[priority] warning 1000 → 100",
        "CeleryTaskWaitTooLong warning for 5m → 10m",
        "CeleryTaskOverdue[report] warning not judged → 1h",
        "CeleryQueueBacklog, CeleryQueueGrowing, CeleryWorkerPoolFull and 1 more silenced by: "
        "+CeleryExporterDown of celery-exporter",
    ]


def test_the_other_way_round_the_same_causes_are_named(plans: Plans) -> None:
    back = _lines(plans(SIX), plans(BEFORE))
    assert len(back) == 8
    assert back[0].startswith("source redis: new (v1.88.0, redis-exporter:9121), and with it CeleryBrokerDown")
    assert "CeleryQueueBacklog[priority] critical 300 → 5000" in back


def test_the_order_of_keys_in_the_old_plan_does_not_matter(plans: Plans) -> None:
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        items = list(value.items())
        random.Random(7).shuffle(items)
        return {key: shuffled(inner) for key, inner in items}

    old, new = plans(BEFORE), plans(SIX)
    other: Tree = {plan_file.PATH: json.dumps(shuffled(json.loads(str(old[plan_file.PATH]))))}
    assert _lines(other, new) == _lines(old, new)


def test_files_that_follow_are_counted_and_what_only_git_shows_is_one_line(plans: Plans) -> None:
    old, new = plans(STACK), plans(thresholds("queue_length: {critical: 8000}"))
    texts: list[Tree] = [{f"rules/{name}.yml": f"{name}{side}" for name in "abcd"} for side in "xy"]
    assert _lines({**old, **texts[0]}, {**new, **texts[1]}) == [
        "CeleryQueueBacklog critical 5000 → 8000",
        "and 4 files that follow from it: rules/a.yml, rules/b.yml, rules/c.yml, …",
    ]
    assert _lines({**old, "a.yml": "x"}, {**old, "a.yml": "y"}) == [
        "no setting changes, yet 1 file differs (a hand edit, another version of stackgen, or the same numbers from "
        "another place); `git diff` shows how: a.yml"
    ]
    assert not compare(old, old)


def test_a_silencer_that_comes_by_itself_is_one_line_for_all_that_it_silences(plans: Plans) -> None:
    new = plans(sources("celery-exporter, redis"))
    data = json.loads(str(new[plan_file.PATH]))
    for alert in data["alerts"].values():
        alert["silenced_by"] = [one for one in alert["silenced_by"] if one != "CeleryBrokerDown"]
    (line,) = _lines({plan_file.PATH: json.dumps(data)}, new)
    assert line.startswith("CeleryExporterBlind, CeleryQueueBacklog, CeleryQueueGrowing ")
    assert line.endswith(" more silenced by: +CeleryBrokerDown")


def test_the_example_of_the_readme_is_what_is_said(tmp_path: Path) -> None:
    repository = Path(__file__).resolve().parents[2]
    text = (repository / "stack.yaml").read_text(encoding="utf-8")
    assert "critical: 5000" in text
    (tmp_path / "stack.yaml").write_text(text.replace("critical: 5000", "critical: 8000"), encoding="utf-8")
    told = render(compare(read(repository / "output"), pipeline.stage(tmp_path / "stack.yaml").files), "text")
    assert f"```\n$ stackgen diff\n{told}```\n" in (repository / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [None, "", "5", "[]", "{", "[" * 5000, '{"format": 99}', '{"format": null, "alerts": {}}'],
    ids=lambda text: str(text)[:20],
)
def test_a_folder_without_a_plan_that_we_read_says_what_to_do(plans: Plans, text: str | None) -> None:
    told = _lines({plan_file.PATH: text, "a.yml": "x"}, {**plans(STACK), "a.yml": "y"})
    assert len(told) == 1
    assert "run `stackgen generate` there once and commit it. 2 files differ: a.yml, plan.json" in told[0]


def test_an_empty_folder_gets_everything(plans: Plans) -> None:
    assert _lines({}, plans(STACK)) == ["nothing is there yet: 1 file would be new: plan.json"]


WRONG: list[object] = [None, 7, "x", [1], {"a": None}, {"a": {"b": [{}]}}]


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("style", ["text", "markdown", "json"])
def test_a_plan_that_somebody_spoiled_breaks_nothing(plans: Plans, value: object, style: Style) -> None:
    new = plans(SIX)
    data = json.loads(str(plans(BEFORE)[plan_file.PATH]))
    for section in data.keys() - {"format"}:
        assert render(compare({plan_file.PATH: json.dumps({**data, section: value})}, new), style)
    for field in data["alerts"]["queue_length/critical"]:
        alerts = {**data["alerts"], "queue_length/critical": {**data["alerts"]["queue_length/critical"], field: value}}
        assert render(compare({plan_file.PATH: json.dumps({**data, "alerts": alerts})}, new), style)


def test_markdown_shows_hostile_names_as_they_are(plans: Plans) -> None:
    before = STACK.replace("sources:", '  "a|`b<script>":\nsources:')
    after = STACK.replace("sources:", '  "a|`b<script>": {thresholds: {queue_length: {critical: 8000}}}\nsources:')
    table = render(compare(plans(before), plans(after)), "markdown")
    assert "| critical | CeleryQueueBacklog\\[a\\|\\`b\\<script\\>\\] | `5000` | `8000` |" in table


def test_a_pull_request_gets_a_table_and_the_count_of_files(plans: Plans) -> None:
    old, new = plans(STACK), plans(thresholds("queue_length: {critical: 8000, for: 15m}"))
    assert render(compare({**old, "a.md": "x"}, new), "markdown") == (
        "| Severity | What | Before | After |\n"
        "|---|---|---|---|\n"
        "| critical | CeleryQueueBacklog | `5000` | `8000` |\n"
        "| critical, warning | CeleryQueueBacklog for | `10m` | `15m` |\n"
        "\n"
        "and 1 file that follows from it: a.md\n"
    )
    assert render(compare(old, old), "markdown") == "The generated files stay as they are.\n"


def test_json_names_changes_and_files(plans: Plans) -> None:
    new = plans(thresholds("queue_length: {critical: 8000}"))
    assert json.loads(render(compare({**plans(STACK), "a.md": "x"}, new), "json")) == {
        "changes": [
            {
                "subjects": ["CeleryQueueBacklog"],
                "of": [],
                "aspect": "value",
                "before": "5000",
                "after": "8000",
                "severities": ["critical"],
                "effects": [],
                "text": "CeleryQueueBacklog critical 5000 → 8000",
            }
        ],
        "files": ["a.md"],
        "note": "and 1 file that follows from it: a.md",
    }


def test_a_folder_is_read_by_its_manifest_and_without_links(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a\n")
    (tmp_path / "foreign.md").write_text("mine\n")
    (tmp_path / "b.md").symlink_to(tmp_path / "foreign.md")
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"files": {"a.md": "x", "b.md": "x", "../c": "x"}}))
    assert read(tmp_path) == {"a.md": "a\n", "b.md": None}
