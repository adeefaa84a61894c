"""Rule files of the user's own: what is right passes, the guide's rules are told apart, and thirty spoilt rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackgen.problem import Problem
from stackgen.resolve.plan import Plan
from stackgen.verify import own_rules
from tests.contract.scrape import planned

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDE = REPOSITORY / "tests/docs/guide.md"

LENGTH = "max by (queue) (celery:queue_length:max) > 1000"
RAW_LENGTH = 'max by (queue_name) (celery_queue_length{job="celery-exporter"}) > 1000'
FAILURES = 'sum by (task) (celery:tasks:increase10m{state="FAILURE"})'
FAILED = f"{FAILURES} / on (task) sum by (task) (celery:tasks:increase10m) > 0.2"
RATE = 'sum by (name) (rate(celery_task_failed_total{job="celery-exporter"}[5m])) > 1'
SHARE = (
    'sum(rate(celery_task_failed_total{job="celery-exporter"}[5m]))'
    ' / sum(rate(celery_task_started_total{job="celery-exporter"}[5m])) > 0.1'
)
QUANTILE = (
    'histogram_quantile(0.95, sum by (name, le) (rate(celery_task_runtime_bucket{job="celery-exporter"}[5m]))) > 60'
)
WORKERS = 'sum(celery_worker_up{job="celery-exporter"}) < 1'
DOWN = 'up{job="celery-exporter"} == 0'
GONE = 'absent(up{job="celery-worker"})'
BOTH = "sum(celery:queue_length:max) or vector(0)"
TEXT = "{{ $labels.queue }} is long"

CLEAN = (LENGTH, RAW_LENGTH, FAILED, RATE, SHARE, QUANTILE, WORKERS, DOWN, GONE, f"({BOTH}) > 9")

Spoilt = tuple[str, str, str]
"""The expression, its `for`, and the rule that finds it; "" for what nothing finds."""
SPOILT: dict[str, Spoilt] = {
    "metric misspelt": (RAW_LENGTH.replace("length", "lenght"), "5m", "unknown-metric"),
    "metric of the guide": ("celery_workers_active == 0", "2m", "unknown-metric"),
    "metric of a source not listed": ('flower_worker_online{job="flower"} == 0', "2m", "unknown-metric"),
    "recorded series misspelt": (LENGTH.replace(":max", ":sum"), "5m", "unknown-metric"),
    "state that nobody records": (FAILED.replace("FAILURE", "FAILED"), "5m", "empty-selector"),
    "job misspelt": (RATE.replace('"celery-exporter"', '"celery"'), "5m", "unknown-job"),
    "job of up misspelt": (DOWN.replace("celery-exporter", "celery_exporter"), "5m", "unknown-job"),
    "label that it lacks": (LENGTH.replace("max)", 'max{worker="a"})'), "5m", "unknown-label"),
    "grouped by a label that it lacks": (LENGTH.replace("(queue)", "(queue_name)"), "5m", "unknown-label"),
    "raw label for the recorded one": (RAW_LENGTH.replace("(queue_name)", "(queue)"), "5m", "unknown-label"),
    "matched by a label that it lacks": (FAILED.replace("on (task)", "on (queue)"), "5m", "unknown-label"),
    "grouping lost on one side": (FAILED.replace("on (task) sum by (task)", "sum"), "5m", "unmatched-labels"),
    "buckets summed away": (QUANTILE.replace(", le)", ")"), "5m", "unknown-label"),
    "text of a label that is lost": (LENGTH.replace("max by (queue)", "max"), "5m", "alert-text-label"),
    "rate forgotten": ('celery_task_failed_total{job="celery-exporter"} > 1', "5m", "raw-counter"),
    "rate of a gauge": (
        RAW_LENGTH.replace('exporter"}', 'exporter"}[5m]').replace("(celery", "(rate(celery").replace(") >", ")) >"),
        "5m",
        "wrong-function",
    ),
    "slope of a counter": (RATE.replace("rate", "deriv"), "5m", "wrong-function"),
    "window of one scrape": (RATE.replace("5m", "30s"), "5m", "short-range"),
    "held longer than the series lives": (WORKERS.replace("sum", "min"), "1h", "dead-alert-for"),
    "beyond the largest bucket": (QUANTILE.replace("60", "99999"), "5m", "dead-alert-limit"),
    "share above one": ("celery:task_failures:ratio10m > 5", "5m", "dead-alert-limit"),
    "below nothing": (LENGTH.replace("> 1000", "< 0"), "5m", "dead-alert-zero"),
    "absent is none": (f"{GONE} == 0", "5m", "dead-alert-absent"),
    "absent of a misspelt metric": ('absent(celery_worker_upp{job="celery-exporter"})', "5m", "unknown-metric"),
    "divided by itself": (SHARE.replace("sum(", "(").replace("started", "failed"), "5m", "self-ratio"),
    "dead or": ("(vector(0) or sum(celery:queue_length:max)) > 9", "5m", "dead-or"),
    "or of the same series": ("(sum(celery:queue_length:max) or sum(celery:queue_length:max)) > 9", "5m", "dead-or"),
    "comparison forgotten": (LENGTH.replace("> 1000", ""), "5m", "no-comparison"),
    "the largest only": (f"topk(1, {LENGTH})", "5m", "unstable-alert"),
    "regular expression for a name": (LENGTH.replace("max)", 'max{queue!~"scratch"})'), "5m", "plain-regexp"),
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of the guide's stack."""
    return planned(tmp_path_factory.mktemp("guide"), (REPOSITORY / "stack.yaml").read_text())[0]


def _found(folder: Path, plan: Plan, text: str, name: str = "own.yml") -> list[Problem]:
    path = f"{own_rules.FOLDER}/{name}"
    (folder / path).parent.mkdir(parents=True)
    (folder / path).write_text(text, encoding="utf-8")
    assert own_rules.files(folder, []) == [path]
    return list(own_rules.problems(folder, [path], plan))


def _file(*rules: dict[str, object]) -> str:
    return json.dumps({"groups": [{"name": "own", "rules": rules}]})


def _alert(expr: str, hold: str = "5m", text: str = "x") -> dict[str, object]:
    return {"alert": "Own", "expr": expr, "for": hold, "annotations": {"summary": text}}


@pytest.mark.parametrize("expr", CLEAN)
def test_a_rule_that_works_passes(expr: str, plan: Plan, tmp_path: Path) -> None:
    assert _found(tmp_path, plan, _file(_alert(expr))) == []


def test_there_are_thirty_spoilt_rules() -> None:
    assert len(SPOILT) == 30


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_rule_is_found(name: str, plan: Plan, tmp_path: Path) -> None:
    expr, hold, rule = SPOILT[name]
    found = _found(tmp_path, plan, _file(_alert(expr, hold, TEXT if "text" in name else "x")))
    assert rule in {problem.rule for problem in found if problem.level != "notice"}


def _rules_of_the_guide() -> Iterator[str]:
    for block in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
        if "- alert:" in block:
            yield block


def test_the_guides_rules_are_judged_where_they_stand(plan: Plan, tmp_path: Path) -> None:
    text = "\n".join(_rules_of_the_guide())
    found = _found(tmp_path, plan, text if text.startswith("groups:") else f"groups:\n{text}")
    said = {(problem.where, problem.rule, problem.level) for problem in found}
    assert said == {
        ("CeleryNoWorkersRunning", "unknown-metric", "error"),
        ("CeleryHighFailureRate", "self-ratio", "error"),
        ("CeleryWorkerHighCPU", "unknown-metric", "notice"),
        ("CeleryWorkerHighCPU", "unknown-job", "warning"),
        ("CeleryWorkerHighMemory", "unknown-metric", "notice"),
        ("CeleryWorkerHighMemory", "unknown-job", "warning"),
    }
    assert {problem.mark.line > 1 and problem.mark.column > 1 for problem in found} == {True}


def test_a_metric_of_another_exporter_is_a_notice(plan: Plan, tmp_path: Path) -> None:
    found = _found(tmp_path, plan, _file(_alert("node_load1 > 9")))
    assert [(p.rule, p.level) for p in found] == [("unknown-metric", "notice")]


def test_a_rule_may_read_what_another_of_the_user_records(plan: Plan, tmp_path: Path) -> None:
    recorded: dict[str, object] = {"record": "own:length:max", "expr": "max(celery:queue_length:max)"}
    assert _found(tmp_path, plan, _file(recorded, _alert("own:length:max > 5"))) == []


def test_a_file_that_prometheus_does_not_read_is_told(plan: Plan, tmp_path: Path) -> None:
    found = _found(tmp_path, plan, _file(_alert(LENGTH)), "own.yaml")
    assert [(p.rule, p.level) for p in found] == [("unread-rules", "warning")]


ODD = ("", "groups: [", "groups: {a: 1}\n", "groups: [7, {rules: [x, {alert: 3, for: [], labels: 7}]}]\n")


@pytest.mark.parametrize("text", ODD)
def test_any_file_is_judged_without_a_traceback(text: str, plan: Plan, tmp_path: Path) -> None:
    assert all(problem.mark.file.endswith("own.yml") for problem in _found(tmp_path, plan, text))
