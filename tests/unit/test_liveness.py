"""Alerts that could never fire are refused at the user's line, and the real promtool agrees that they are dead."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from stackgen.catalog.site import Site
from stackgen.catalog.source import RecordingRule
from stackgen.document import Document
from stackgen.problem import Problem
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups, rule_file
from stackgen.verify.plan import liveness
from tests.contract.scrape import evaluate, planned

STACK = """\
version: 1
stack: {name: lab}
celery: {app: lab, broker: {kind: redis}}
queues: {celery: {}}
sources: [celery-exporter, worker]
"""
TARGET = 'job="celery-exporter",instance="celery-exporter:1"'
EVENT = f'{TARGET},name="a.b",hostname="generic",queue_name="celery"'
UP = {"series": f"up{{{TARGET}}}", "values": "1x1000"}


def _planned(folder: Path, thresholds: str) -> tuple[Plan, Document]:
    return planned(folder, f"{STACK}{thresholds}\n")


def _found(folder: Path, thresholds: str) -> list[Problem]:
    return liveness.of_plan(*_planned(folder, thresholds))


def _texts(folder: Path, thresholds: str) -> list[str]:
    return [str(problem).removeprefix(f"{folder}/") for problem in _found(folder, thresholds)]


@pytest.mark.parametrize(
    "thresholds",
    [
        "",
        "thresholds: {task_failure_ratio: {warning: 99%, critical: never, for: 9m}}",
        "thresholds: {workers_active: {for: 7d}}",
        "thresholds: {workers_missing: {for: 59m}}",
        "thresholds: {task_duration_p95: {warning: 1h}}",
        "thresholds: {scrape_failures: {warning: 20}}",
        "thresholds: {task_timeout_ratio: {warning: 100%}}",
        "prometheus: {scrape_interval: 75s, evaluation_interval: 1m}",
    ],
)
def test_alerts_that_can_fire_pass(tmp_path: Path, thresholds: str) -> None:
    assert _found(tmp_path, thresholds) == []


def test_a_burst_that_leaves_the_window_too_soon_is_refused(tmp_path: Path) -> None:
    assert _texts(tmp_path, "thresholds:\n  task_retry_ratio: {warning: {threshold: 10%, for: 10m}}") == [
        "stack.yaml:7:53: error[dead-alert-for]: thresholds.task_retry_ratio.warning.for: "
        "for 10m it never fires: a burst of events leaves the window of 10m before\n  hint: at most 9m"
    ]


def test_more_workers_than_a_name_has_are_refused(tmp_path: Path) -> None:
    text = STACK.replace("[celery-exporter, worker]", "[{name: process-exporter, match: web-1}]")
    plan, document = planned(tmp_path, f"{text}thresholds: {{workers_active: {{warning: 3, critical: 1}}}}\n")
    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in liveness.of_plan(plan, document)] == [
        "stack.yaml:6:40: error[dead-alert-match]: thresholds.workers_active.warning.threshold: "
        "below 3 it fires for ever: match 'web-1' names one worker\n"
        "  hint: at most 1, or a * at the start or end of match"
    ]


def test_a_hold_of_the_whole_signal_is_refused_where_it_stands(tmp_path: Path) -> None:
    found = _found(tmp_path, "thresholds:\n  task_failure_ratio:\n    for: 1h\n    critical: {for: 1m}")
    assert [(p.rule, p.mark.line, p.where) for p in found] == [
        ("dead-alert-for", 8, "thresholds.task_failure_ratio.warning.for")
    ]


def test_a_share_above_all_is_refused_for_a_single_task_too(tmp_path: Path) -> None:
    stack = "tasks:\n  a.b: {thresholds: {task_failure_ratio: {critical: 100%}}}"
    assert _texts(tmp_path, stack) == [
        "stack.yaml:7:53: error[dead-alert-ratio]: tasks.'a.b'.thresholds.task_failure_ratio.critical: "
        "above 100% it never fires: a share is at most 100%\n  hint: at most 99%, or `never`"
    ]


def test_a_small_fleet_becomes_normal_after_an_hour(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, "thresholds: {workers_missing: {for: 1h}}")
    assert (found.rule, found.hint) == ("dead-alert-for", "at most 59m")


def test_more_failed_scrapes_than_fit_are_refused(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, "thresholds: {scrape_failures: {warning: 31}}")
    assert (found.rule, found.hint) == ("dead-alert-window", "at most 22")


def test_failed_scrapes_leave_their_window(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, "thresholds: {scrape_failures: {warning: 3, for: 15m}}")
    assert (found.rule, found.hint) == ("dead-alert-for", "at most 12m")


def test_a_window_of_too_few_scrapes_is_refused(tmp_path: Path) -> None:
    plan, document = _planned(tmp_path, "")
    slow = replace(plan, site=replace(plan.site, scrape=Fraction(76)))
    (found,) = [p for p in liveness.of_plan(slow, document) if p.rule == "dead-alert-window"]
    assert (found.where, found.hint) == ("prometheus.scrape_interval", "at most 1m15s")


def test_a_value_below_zero_is_refused(tmp_path: Path) -> None:
    plan, document = _planned(tmp_path, "")
    assert [p.rule for p in liveness.of_plan(_with(plan, "workers_active", threshold=Fraction(0)), document)] == [
        "dead-alert-zero"
    ]


def _with(plan: Plan, signal: str, **number: Any) -> Plan:
    alerts = tuple(replace(alert, **number) if alert.signal.id == signal else alert for alert in plan.alerts)
    return replace(plan, alerts=alerts)


def _ever_fires(promtool: Path, folder: Path, plan: Plan, signal: str, fed: list[dict[str, str]]) -> bool:
    """Whether the rules of the plan, refused or not, fire at any moment of 150 minutes."""
    rules: list[object] = []
    for group in groups(plan):
        if group.path == rule_file(plan.named([signal])[0].group, plan):
            rules += [{"record": r.record, "expr": r.expr, "labels": dict(r.labels)} for r in group.recordings]
            rules += [
                {"alert": signal, "expr": a.expr, "for": f"{int(a.alert.hold)}s", "labels": {"signal": signal}}
                for a in group.alerts
                if a.alert.signal.id == signal
            ]
    query = f'count(count_over_time(ALERTS{{signal="{signal}",alertstate="firing"}}[150m]))'
    return bool(evaluate(promtool, folder, rules, [UP, *fed], query, at="150m"))


BURST = [{"series": f'celery_task_failed_total{{{EVENT},exception="ValueError"}}', "values": "7x120 107x800"}]
ALWAYS_FAILING = [{"series": f'celery_task_failed_total{{{EVENT},exception="ValueError"}}', "values": "0+9x900"}]
FLEET = [
    {"series": f'celery_worker_up{{{TARGET},hostname="h{n}"}}', "values": f"1x120 {int(n == 0)}x800"} for n in range(4)
] + [{"series": f'celery_active_worker_count{{{TARGET},queue_name="celery"}}', "values": "4x120 1x800"}]
OF_WORKER = 'task="a.b",queue="celery",job="celery-worker",instance="celery-worker:1"'
ENDLESS = [
    {
        "series": f'celery_task_duration_seconds_bucket{{{OF_WORKER},le="{le}"}}',
        "values": f"0+{int(le == '+Inf') * 9}x900",
    }
    for le in ("300.0", "600.0", "+Inf")
]
COMES_AND_GOES = [{**UP, "values": " ".join(["0x2 1"] * 100)}]


@pytest.mark.promtool
@pytest.mark.parametrize(
    ("signal", "written", "fed"),
    [
        ("task_failure_ratio", ("{for: 10m}", "{for: 9m}"), BURST),
        ("task_failure_ratio", ("{warning: 100%, critical: never}", "{warning: 99%, critical: never}"), ALWAYS_FAILING),
        ("workers_missing", ("{for: 1h}", "{for: 59m}"), FLEET),
        ("scrape_failures", ("{warning: 24}", "{warning: 22}"), COMES_AND_GOES),
    ],
)
def test_what_is_refused_never_fires_and_the_nearest_accepted_does(
    promtool: Path, tmp_path: Path, signal: str, written: tuple[str, str], fed: list[dict[str, str]]
) -> None:
    for settings, accepted in zip(written, (False, True), strict=True):
        plan, document = _planned(tmp_path, f"thresholds: {{{signal}: {settings}}}")
        assert (liveness.of_plan(plan, document) == []) == accepted
        assert _ever_fires(promtool, tmp_path, plan, signal, _without_up(fed)) == accepted


def _without_up(fed: list[dict[str, str]]) -> list[dict[str, str]]:
    """`up` that is fed by the case takes the place of the usual one."""
    if any(one["series"] == UP["series"] for one in fed):
        other = UP["series"].replace(":1", ":2")
        return [{"series": other, "values": fed[0]["values"]}]
    return fed


@pytest.mark.promtool
def test_a_quantile_beyond_the_largest_bucket_never_fires(promtool: Path, tmp_path: Path) -> None:
    """Every task takes longer than any bucket, and still the quantile says 10 minutes."""
    plan, document = _planned(tmp_path, "thresholds: {task_duration_p95: {warning: 20m}}")
    assert liveness.of_plan(plan, document) == []  # our own command line has a bound for it
    fixed = tuple(b for b in plan.site.duration_buckets if b <= 600)
    others = replace(plan, site=replace(plan.site, duration_buckets=fixed))
    for seconds, accepted in ((1200, False), (600, False), (300, True)):
        judged = _with(others, "task_duration_p95", threshold=Fraction(seconds))
        assert ([p.rule for p in liveness.of_plan(judged, document)] == []) == accepted
        assert _ever_fires(promtool, tmp_path, judged, "task_duration_p95", ENDLESS) == accepted


def test_a_quantile_between_two_bounds_is_refused(tmp_path: Path) -> None:
    plan, document = _planned(tmp_path, "")
    (found,) = liveness.of_plan(_with(plan, "task_duration_p95", threshold=Fraction(400)), document)
    assert (found.rule, found.hint) == ("dead-alert-bucket", "the nearest bound is 5m")


def _heartbeats(site: Site) -> tuple[RecordingRule, ...]:
    del site
    return (RecordingRule('sum(celery_worker_up{job="celery-exporter"})'),)


@pytest.mark.promtool
def test_an_alert_on_heartbeats_alone_dies_with_them(promtool: Path, tmp_path: Path) -> None:
    """The rule most people write first: the exporter forgets the dead worker before `for` is over."""
    for hold, accepted in ((600, False), (540, True)):
        plan, document = _planned(tmp_path, f"thresholds: {{workers_active: {{for: {hold}s}}}}")
        name = "celery:workers_active:count"
        reading = replace(plan.chosen[name].reading, survives=False, rules=_heartbeats)
        plan = replace(plan, chosen={**plan.chosen, name: replace(plan.chosen[name], reading=reading)})
        fed = [{"series": f'celery_worker_up{{{TARGET},hostname="h"}}', "values": "1x60 0x19 stale"}]
        refused = [p.where for p in liveness.of_plan(plan, document) if "workers_active" in p.where]
        assert (refused == []) == accepted
        assert _ever_fires(promtool, tmp_path, plan, "workers_active", fed) == accepted
