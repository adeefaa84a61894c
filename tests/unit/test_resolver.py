"""What stack.yaml says becomes what is judged: defaults, overrides, sources, and what cannot be judged."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from stackgen.catalog.series import (
    QUEUE_WORKERS,
    TASK_DURATION_BUCKET,
    TASKS,
    TASKS_STARTED,
    WORKERS_ACTIVE,
    Series,
)
from stackgen.catalog.signals.queues import QUEUE_LENGTH_SIGNAL, QUEUE_WORKERS_SIGNAL
from stackgen.catalog.signals.tasks_periodic import OVERDUE
from stackgen.pipeline import prepare
from stackgen.problem import SpecError
from stackgen.resolve import choose
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import mutings

UNSTAMPED = "tasks whose sender does not load celery_monitoring.py"
FAILED = "how long tasks took that did not succeed"
HEAD = """version: 1
stack: {name: shop}
celery: {app: shop, broker: {kind: redis}}
"""


def plan(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "stack.yaml"
    path.write_text(HEAD + text)
    return prepare(path).plan


def refused(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        plan(tmp_path, text)
    return [f"{p.mark.line}:{p.mark.column} {p.rule} {p.hint}" for p in caught.value.problems]


def test_six_lines_have_the_guides_defaults(tmp_path: Path) -> None:
    alerts = plan(tmp_path, "queues: {celery: }\n").of(QUEUE_LENGTH_SIGNAL)
    found = [f"{alert.severity} {alert.threshold} {alert.hold}" for alert in alerts]
    assert found == [
        "warning 1000 600",
        "critical 5000 600",
    ]


def test_a_severity_may_have_its_own_hold_and_never_switches_it_off(tmp_path: Path) -> None:
    text = "queues: {celery: }\nthresholds: {queue_length: {warning: {threshold: 7, for: 1m}, critical: never}}\n"
    (alert,) = plan(tmp_path, text).of(QUEUE_LENGTH_SIGNAL)
    assert f"{alert.severity} {alert.threshold} {alert.hold}" == "warning 7 60"


def test_a_queues_own_limit_stands_beside_the_default(tmp_path: Path) -> None:
    text = "queues: {celery: , low: {thresholds: {queue_length: {critical: 9000}}}}\n"
    warning, critical = plan(tmp_path, text).of(QUEUE_LENGTH_SIGNAL)
    assert critical.overrides == {"low": 9000}
    assert warning.overrides == {}


@pytest.mark.parametrize(
    ("series", "sources", "chosen", "why"),
    [
        # What misses less is read, wherever it stands.
        (TASKS, "flower, worker", "worker", "flower: it does not see which queue a task came from"),
        (TASKS_STARTED, "worker, celery-exporter", "celery-exporter", f"worker: it does not see {UNSTAMPED}"),
        (TASK_DURATION_BUCKET, "celery-exporter, worker", "worker", f"celery-exporter: it does not see {FAILED}"),
        (WORKERS_ACTIVE, "process-exporter, probe", "process-exporter", "probe: it is as good, and listed later"),
        (WORKERS_ACTIVE, "probe, worker, flower", "flower", "probe: it does not see workers that are too busy"),
        # Of equals the first.
        (TASKS, "celery-exporter, worker", "celery-exporter", "worker: it is as good, and listed later"),
        (TASKS, "worker, celery-exporter", "worker", "celery-exporter: it is as good, and listed later"),
    ],
)
def test_the_source_that_misses_least_is_believed(
    tmp_path: Path, series: Series, sources: str, chosen: str, why: str
) -> None:
    found = plan(tmp_path, f"queues: {{celery: }}\nsources: [{sources}]\n").chosen[series.name]
    assert found.source.id == chosen
    assert any(f"{source.id}: {reason}".startswith(why) for source, reason in found.passed)


def test_of_two_that_miss_as_little_the_fresher_is_believed(tmp_path: Path) -> None:
    rabbitmq = HEAD.replace("redis", "rabbitmq")
    (tmp_path / "stack.yaml").write_text(f"{rabbitmq}queues: {{celery: }}\nsources: [celery-exporter, rabbitmq]\n")
    found = prepare(tmp_path / "stack.yaml").plan.chosen[QUEUE_WORKERS.name]
    assert found.source.id == "rabbitmq"
    best, later = (replace(found, reading=replace(found.reading, late=late)) for late in (0, 60))
    assert choose.best([later, best]).reading.late == 0
    assert [why for _, why in choose.best([later, best]).passed] == ["it tells 1m later"]


@pytest.mark.parametrize(
    ("broker", "sources", "believed", "sure"),
    [
        ("priorities: true", "celery-exporter, redis, probe", "celery-exporter redis probe", True),
        ("priorities: true", "celery-exporter, redis", "celery-exporter redis", False),
        ("priorities: true, database: 0", "celery-exporter, redis, probe", "celery-exporter redis probe", True),
        ("priorities: false", "redis, celery-exporter", "redis celery-exporter", True),
        ("database: 3", "redis, celery-exporter", "redis celery-exporter", True),
        ("cluster: true", "celery-exporter, redis", "redis", True),
        ("transport_options: {master_name: m}", "redis, celery-exporter", "celery-exporter", True),
    ],
)
def test_every_source_that_tells_the_length_of_queues_is_asked(
    broker: str, sources: str, believed: str, sure: bool, tmp_path: Path
) -> None:
    path = tmp_path / "stack.yaml"
    head = HEAD.replace("kind: redis", f"kind: redis, {broker}")
    path.write_text(f"{head}queues: {{celery: }}\nsources: [{sources}]\n")
    chosen = prepare(path).plan.chosen["celery:queue_length:max"]

    assert [one.id for one in chosen.sources] == believed.split()
    assert (chosen.too_small == "") == sure


def test_a_source_that_cannot_work_is_left_out_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "stack.yaml"
    head = HEAD.replace("kind: redis", "kind: redis, transport_options: {master_name: m}")
    path.write_text(head + "queues: {celery: }\nsources: [celery-exporter, redis]\n")
    made = prepare(path)

    assert "redis" not in {one.source.id for one in made.plan.scraped}
    told = [one.message for one in made.notices() if one.rule == "source-off"]
    assert told == [
        "redis is neither started nor scraped: redis_exporter asks one address, and behind Sentinel the master moves"
    ]


def test_one_of_two_that_are_asked_mutes_nothing(tmp_path: Path) -> None:
    made = plan(tmp_path, "queues: {celery: }\nsources: [redis, celery-exporter]\n")
    muted = {s for m in mutings(made) if m.by.get("source") == ("redis",) for s in m.targets["signal"]}

    assert "queue_length" not in muted


def test_a_signal_nobody_names_is_off_with_a_hint(tmp_path: Path) -> None:
    off = {o.signal.id: o.hint for o in plan(tmp_path, "queues: {celery: }\n").off}
    assert off["task_timeout_ratio"] == "add source worker"


def test_a_signal_that_is_named_but_cannot_be_judged_is_an_error_at_its_line(tmp_path: Path) -> None:
    text = "queues: {celery: }\nthresholds:\n  task_timeout_ratio: {warning: 2%}\n"
    assert refused(tmp_path, text) == ["6:3 signal-without-source add source worker"]


def test_every_limit_of_a_quantile_is_a_bucket_and_not_the_last(tmp_path: Path) -> None:
    text = "queues: {celery: }\ntasks: {long: {thresholds: {task_duration_p95: {warning: 2h}}}}\n"
    bounds = plan(tmp_path, text).site.duration_buckets
    assert bounds[-2:] == (Fraction(7200), Fraction(14400))


def test_too_many_different_limits_are_refused(tmp_path: Path) -> None:
    own = ", ".join(f"t{n}: {{thresholds: {{task_duration_p95: {{warning: {n + 1}s}}}}}}" for n in range(60))
    found = refused(tmp_path, f"queues: {{celery: }}\ntasks: {{{own}}}\n")
    assert [line.split(" ")[1] for line in found] == ["too-many-limits"]


def test_min_workers_and_periods_are_limits_of_their_own(tmp_path: Path) -> None:
    made = plan(tmp_path, "queues: {celery: {min_workers: 3}}\ntasks: {nightly: {period: 1d}}\n")
    workers, overdue = made.of(QUEUE_WORKERS_SIGNAL)[0], made.of(OVERDUE)[0]
    assert workers.overrides == {"celery": 3}
    assert overdue.overrides == {"nightly": 86400}


def test_a_signal_that_holds_two_sources_against_each_other_is_off_where_one_gives_both(tmp_path: Path) -> None:
    for sources, judged in (
        ("[celery-exporter, worker]", True),
        ("[worker, celery-exporter]", True),
        ("[worker]", False),
    ):
        made = plan(tmp_path, f"queues: {{celery: }}\nsources: {sources}\n")
        assert ("workers_serving" in {signal.id for signal in made.active}) is judged
        reasons = [off.reason for off in made.off if off.signal.id == "workers_serving"]
        assert judged or reasons == [
            "workers are counted by their own endpoints; CeleryNoWorkersRunning says it",
        ]


@pytest.mark.parametrize("source", ["worker", "cadvisor", "process-exporter"])
def test_the_memory_limit_of_stack_yaml_is_what_is_judged_whatever_the_source(tmp_path: Path, source: str) -> None:
    text = f"queues: {{celery: }}\nsources: [celery-exporter, {source}]\n"
    path = tmp_path / "stack.yaml"
    path.write_text(HEAD.replace("app: shop", "app: shop, worker_memory_limit: 1GiB") + text)
    made = prepare(path).plan
    (rule,) = made.chosen["celery:worker_memory:ratio"].reading.rules(made.site)
    assert rule.expr.endswith(" / 1073741824")


@pytest.mark.parametrize("source", ["worker", "cadvisor"])
def test_without_a_memory_limit_the_measured_one_is_judged(tmp_path: Path, source: str) -> None:
    made = plan(tmp_path, f"queues: {{celery: }}\nsources: [celery-exporter, {source}]\n")
    (rule,) = made.chosen["celery:worker_memory:ratio"].reading.rules(made.site)
    assert "limit_bytes" in rule.expr
