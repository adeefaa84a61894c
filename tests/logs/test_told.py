"""What is judged in the logs is told wherever alerts are: list, explain, diff, routes, links, the printed page."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stackgen import pipeline
from stackgen.catalog import registry
from stackgen.diff.compare import compare
from stackgen.diff.words import line_of
from stackgen.explain import about, find, listing, words
from stackgen.verify.files import links
from tests.logs.stacks import OURS, RULES, STACK, made, staged

LOGGED = {name: one for name, one in registry.signals().items() if one.log_count}

ALERTING = "alerting: {receivers: {a: {webhook: {url: 'http://a'}}}, default: a, owners: {payments: nobody}}\n"


def _text(name: str, folder: Path, more: str = "") -> str:
    plan = staged(folder, OURS, more).prepared.plan
    return " ".join("".join(words.text(about.explain(one, plan)) for one in find.signals(name)).split())


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("log_failures", "lines of the log from alloy"),
        ("log_failures", "Those in which event.action = task-failed."),
        ("CeleryTaskFailuresLogged", "silent in Alertmanager while CeleryHighFailureRate fires"),
        ("log_failures", "ends within 30s after the lines are older than 10m"),
        ("log_silence", "about 17m30s when all turns bad at once: 15m without a line + 30s evaluation + 2m for"),
        ("log_silence", "silent in Alertmanager while CeleryNoWorkersRunning fires"),
        ("log_silence", 'sum(absent_over_time({service_name="shop",environment="pre-prod"} [15m]))'),
    ],
)
def test_an_explanation_says(name: str, claim: str, tmp_path: Path) -> None:
    assert claim in _text(name, tmp_path)


def test_a_signal_that_nobody_judges_is_off_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK, encoding="utf-8")
    plan = pipeline.prepare(tmp_path / "stack.yaml").plan
    rows = {row[0]: row for row in listing.tables(plan)[0].rows}
    for name, signal in LOGGED.items():
        assert rows[name][2:4] == ("off", "–")
        assert "add alloy or cloudwatch to logs.shippers" in words.text(about.explain(signal, plan))


def test_the_list_says_who_judges(tmp_path: Path) -> None:
    rows = {row[0]: row for row in listing.tables(staged(tmp_path).prepared.plan)[0].rows}
    assert rows["log_failures"] == ("log_failures", "CeleryTaskFailuresLogged", "on", "alloy", "warning above 100")


@pytest.mark.parametrize(
    ("thresholds", "lines"),
    [
        ("log_failures: {warning: 50}", ["CeleryTaskFailuresLogged warning 100 → 50"]),
        ("log_silence: {warning: 1h}", ["CeleryLogsMissing warning 15m → 1h"]),
        ("log_worker_lost: {enabled: false}", ["CeleryWorkerProcessLost: removed: switched off in stack.yaml"]),
        (
            "log_failures: {critical: {threshold: 500, for: 1m}}",
            ["CeleryTaskFailuresLogged critical: now pages (above 500 for 1m)"],
        ),
    ],
)
def test_a_difference_is_told_like_that_of_any_alert(thresholds: str, lines: list[str], tmp_path: Path) -> None:
    old, new = made(tmp_path), made(tmp_path, OURS, f"thresholds: {{{thresholds}}}\n")
    assert [line_of(change) for change in compare(old, new).changes] == lines


def test_every_alert_has_a_route_for_every_owner(tmp_path: Path) -> None:
    cases = yaml.safe_load(made(tmp_path, OURS, ALERTING)["alertmanager/tests/routes.yml"])["cases"]
    told = {(c["labels"]["signal"], c["labels"]["owner"]): c["receivers"] for c in cases}
    assert told["log_failures", "platform"] == ["a"]
    assert told["log_failures", "payments"] == ["nobody"]
    assert told["log_silence", "platform"] == ["a"]
    assert ("log_silence", "payments") not in told


def test_a_link_of_a_rule_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    page = "runbooks/CeleryLogsMissing.md"
    files = {path: text for path, text in stage.files.items() if path != page}
    dead = [p for p in links.of_files(files, stage.prepared.plan) if p.rule == "dead-runbook"]
    assert [(p.mark.file, p.where) for p in dead] == [(RULES, "CeleryLogsMissing (warning)")]


def test_who_judges_differs_from_who_tells(tmp_path: Path) -> None:
    plan = staged(tmp_path).prepared.plan
    assert {one.id for one in plan.routed_signals} - {one.id for one in plan.metric_signals} == set(LOGGED)
