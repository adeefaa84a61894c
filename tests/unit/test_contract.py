"""The contract finds each kind of rule that would silently select nothing, and passes everything we generate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackgen.problem import Problem
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.rules.model import Alerting, Group, Recording
from stackgen.verify.plan import contract
from tests.contract.scrape import planned

STACK = """\
version: 1
stack: {name: lab}
celery: {app: lab, worker_memory_limit: 1GiB, broker: {kind: redis}}
queues:
  celery: {thresholds: {queue_length: {warning: 50}}, min_workers: 2}
  dead: {role: dead_letter}
tasks:
  a.b: {period: 1h, thresholds: {task_failure_ratio: {warning: 1%}}}
sources: [SOURCES]
versions: {celery-exporter: main-2026-08-21}
"""
LENGTH = 'celery_queue_length{job="celery-exporter"}'


def _plan(folder: Path, sources: str = "celery-exporter, worker, redis") -> Plan:
    return planned(folder, STACK.replace("SOURCES", sources))[0]


def _found(folder: Path, expr: str, labels: Mapping[str, str] | None = None, record: str = "x:y:z") -> list[Problem]:
    first = Recording(record="a:b:c", expr=f"max by (queue_name) ({LENGTH})")
    second = Recording(record=record, expr=expr, labels=labels or {})
    return contract.of_rules([Group("g", (first, second), (), "prometheus/rules/g.yml")], _plan(folder))


@pytest.mark.parametrize(
    "sources",
    [
        "celery-exporter",
        "{name: celery-exporter, version: next}",
        "worker",
        "flower, redis",
        "cadvisor, celery-exporter",
        "process-exporter, worker",
        "celery-exporter, worker, redis, flower, cadvisor, process-exporter",
    ],
)
def test_what_we_generate_keeps_the_contract(tmp_path: Path, sources: str) -> None:
    text = STACK.replace("SOURCES", sources)
    if "worker" in sources and "exporter" not in sources:
        text = text.replace(", min_workers: 2", "").replace(
            "queue_length: {warning: 50}", "queue_wait_p95: {warning: 5s}"
        )
    if sources.startswith("flower"):
        text = text.replace(", min_workers: 2", "")
    if sources == "process-exporter, worker":
        text = text.replace(", min_workers: 2", "").replace("{queue_length: {warning: 50}}", "{}")
    plan = planned(tmp_path, text)[0]
    assert contract.of_rules(groups(plan), plan) == []


@pytest.mark.parametrize(
    ("expr", "rule", "words"),
    [
        ("sum(", "promql-syntax", "not PromQL"),
        ('celery_queue_lenght{job="celery-exporter"}', "unknown-metric", "did you mean 'celery_queue_length'?"),
        ('flower_events_total{job="flower"}', "unknown-metric", "flower_events_total"),
        ("celery_queue_length", "missing-job", 'write celery_queue_length{job="celery-exporter"}'),
        ('celery_queue_length{job="celery"}', "unknown-job", '"celery"'),
        ('up{job="celery"}', "unknown-job", '"celery"'),
        (
            'celery_task_queue_wait_time_count{job="celery-exporter"}',
            "metric-since",
            "celery-exporter 0.12.2 has no celery_task_queue_wait_time_count",
        ),
        (f"max by (queue) ({LENGTH})", "unknown-label", "has instance, job, queue_name, not queue"),
        (LENGTH.replace("}", ',queue!="x"}'), "unknown-label", "not queue"),
        (f"{LENGTH} and on (hostname) {LENGTH}", "unknown-label", "not hostname"),
        (f'label_join({LENGTH}, "a", "", "name")', "unknown-label", "relabelled"),
        (f'label_replace({LENGTH}, "a", "$1", "name", "(.*)")', "unknown-label", "relabelled"),
        (f"histogram_quantile(0.9, {LENGTH})", "unknown-label", "not le"),
        (f"sum by (le) (a:b:c) + {LENGTH}", "unknown-label", "not le"),
        (f"sum({LENGTH}) / {LENGTH}", "unmatched-labels", "say which labels must agree"),
        (f"increase({LENGTH}[5m])", "wrong-function", "no counter"),
        ('deriv(celery_task_sent_total{job="celery-exporter"}[5m])', "wrong-function", "which is a counter"),
        ('rate(celery_task_sent_total{job="celery-exporter"}[1m])', "short-range", "at least 2m"),
        ('ALERTS{alertname="Celery"}', "unknown-alert", "Celery"),
    ],
)
def test_a_rule_that_selects_nothing_is_found(tmp_path: Path, expr: str, rule: str, words: str) -> None:
    found = _found(tmp_path, expr)
    assert rule in [problem.rule for problem in found]
    assert words in str(next(problem for problem in found if problem.rule == rule))


@pytest.mark.parametrize(
    "expr",
    [
        LENGTH,
        "a:b:c",
        'a:b:c{queue_name!="x"}',
        f"sum without (instance) ({LENGTH})",
        f"topk(3, {LENGTH}) > on (queue_name) group_left () a:b:c",
        f"avg(-{LENGTH}) + 1 or vector(0)",
        "max_over_time(a:b:c[1h:1m])",
        'rate(celery_task_runtime_bucket{job="celery-exporter"}[5m])',
        f'count_values("size", {LENGTH})',
        f"{LENGTH} * ignoring (instance, job) a:b:c",
        f"absent({LENGTH})",
        'ALERTS{alertstate="firing",queue="x"}',
        "max by (queue_name) (last_over_time(x:y:z[1d]))",
        "time() - scrape_duration_seconds",
    ],
)
def test_a_rule_that_selects_something_passes(tmp_path: Path, expr: str) -> None:
    assert _found(tmp_path, expr) == []


def _rules(folder: Path, *groups_: Group) -> list[tuple[str, str]]:
    found = contract.of_rules(groups_, _plan(folder))
    return [(problem.rule, problem.message) for problem in found]


def test_a_series_recorded_later_is_one_interval_late(tmp_path: Path) -> None:
    early, late = Recording(record="b:c:d", expr="a:b:c"), Recording(record="a:b:c", expr="vector(1)")
    expected = [("late-series", "a:b:c is recorded later in this group, so it is one interval late here")]
    assert _rules(tmp_path, Group("g", (early, late), ())) == expected
    assert _rules(tmp_path, Group("g", (late, early), ())) == []


def test_a_series_of_another_group_is_one_interval_late(tmp_path: Path) -> None:
    one = Group("one", (Recording(record="a:b:c", expr="vector(1)"),), ())
    two = Group("two", (Recording(record="b:c:d", expr="a:b:c"),), ())
    assert [rule for rule, _ in _rules(tmp_path, one, two)] == ["late-series"]


def test_a_state_that_no_rule_records_is_found(tmp_path: Path) -> None:
    rules = tuple(Recording(record="a:b:c", expr="vector(1)", labels={"state": s}) for s in ("SUCCESS", "FAILURE"))
    reader = Recording(record="b:c:d", expr='a:b:c{state="FAILED"}')
    found = contract.of_rules([Group("g", (*rules, reader), ())], _plan(tmp_path))
    assert [(p.rule, p.hint) for p in found] == [("empty-selector", "state is FAILURE, SUCCESS")]


def test_a_canonical_series_with_a_label_too_many_is_found(tmp_path: Path) -> None:
    found = _found(tmp_path, LENGTH, record="celery:queue_length:max")
    assert [p.rule for p in found] == ["recorded-labels"]


def _alerts(folder: Path) -> tuple[Plan, Group]:
    plan = _plan(folder)
    return plan, next(g for g in groups(plan) if g.name == plan.site.named("queues"))


def _changed(folder: Path, **change: Any) -> list[Problem]:
    plan, group = _alerts(folder)
    first: Alerting = group.alerts[0]
    workers = next(g for g in groups(plan) if g.name.startswith("celery-workers"))
    return contract.of_rules([workers, replace(group, alerts=(replace(first, **change),))], plan)


def test_an_alert_that_loses_its_queue_is_found(tmp_path: Path) -> None:
    found = _changed(tmp_path, expr="max(celery:queue_length:max) > 5")
    assert {p.rule for p in found} == {"alert-labels", "alert-text-label"}


def test_a_text_that_prints_a_label_the_alert_has_not_is_found(tmp_path: Path) -> None:
    found = _changed(tmp_path, annotations={"summary": "{{ $labels.queue }} on {{ $labels.hostname }}"})
    assert [(p.rule, p.message) for p in found] == [("alert-text-label", "a text prints $labels.hostname")]


def test_a_finding_names_file_and_rule(tmp_path: Path) -> None:
    found = _found(tmp_path, "nothing")
    assert str(found[0]).startswith("prometheus/rules/g.yml: error[unknown-metric]: x:y:z: ")


@pytest.mark.slow
def test_ten_thousand_thresholds_cost_little(tmp_path: Path) -> None:
    many = tuple(
        Recording(record="t:t:t", expr=f"vector({n})", labels={"queue": f"q{n}", "signal": "s"}) for n in range(20_000)
    )
    readers = tuple(Recording(record=f"r:{n}:r", expr=f't:t:t{{queue="q{n}",signal="s"}} > {n}') for n in range(200))
    assert contract.of_rules([Group("g", (*many, *readers), ())], _plan(tmp_path)) == []
