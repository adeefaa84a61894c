"""Every reading of every source, evaluated by the real promtool over real scrapes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stackgen.catalog import facts, registry, series_doing
from stackgen.catalog.series import NOTIFICATION_FAILURES, SOURCE_BLIND, Series
from stackgen.catalog.series_evidence import LENGTH_TOLD
from stackgen.catalog.source import Reading, Source
from stackgen.catalog.witness import Witness
from stackgen.resolve.plan import Plan
from tests.contract.scrape import Scrape, at_work, evaluate, evidence, planned, read, series

STACK = """\
version: 1
stack: {{name: lab}}
celery: {{app: lab, worker_memory_limit: 1GiB, broker: {{kind: {broker}}}}}
queues: {{celery: , priority: , dead_letter: {{role: dead_letter}}}}
sources: [{source}]
versions: {{celery-exporter: main-2026-08-21}}
"""

DELAYED = "rabbitmq-3.10.8-detailed-delayed"
"""Where 5 tasks for a queue that does not exist are stuck, 3 were delivered, and 4 have time left."""
ALARM = "rabbitmq-3.10.8-alarm"
"""Where the memory alarm is on."""
WAITING = "rabbitmq-3.10.8-detailed-waiting"
"""Where one message waits, sent by celery_monitoring.py, and a queue is empty."""
EXPIRED = "rabbitmq-3.10.8-expired"
"""Where three messages had lived for too long."""
AT_WORK = {
    "celery:delayed_undelivered:count": DELAYED,
    "celery:broker_blocked:max": ALARM,
    "celery:broker_expired:increase10m": EXPIRED,
    "probe celery:queue_oldest:seconds": "probe-waiting",
    "rabbitmq celery:queue_oldest:seconds": WAITING,
    "celery:tasks_unknown:increase10m": "celery-exporter-0.12.2-unregistered",
    **dict.fromkeys(
        (name for name, one in registry.series().items() if one in vars(series_doing).values()), "worker-busy"
    ),
}
"""By canonical series, of one source or of all: the scrape that shows it, where that is not the source's under load."""
STARTS = (facts.STARTS.series, facts.STARTS.judged)
MISSING = {"flower": {"queue"}}
"""Labels that a source cannot give; its readings' caveats say so."""


def _plan(folder: Path, source: Source) -> Plan:
    written = {
        "process-exporter": '{name: process-exporter, match: "w*"}',
        "celery-exporter": "{name: celery-exporter, version: next}",
        "prometheus": "celery-exporter",
        "worker": "worker, beat",
        "alertmanager": "celery-exporter",
    }.get(source.id, source.id)
    return planned(folder, STACK.format(broker=source.broker or "redis", source=written))[0]


def _rules(reading: Reading, plan: Plan) -> list[dict[str, object]]:
    """The rules of a reading, after those for what the witnesses say of the facts."""
    words = [facts.testimony(fact) for fact in (facts.WORKERS, facts.BROKER, facts.CONSUMERS, facts.STARTS)]
    # Starts are asked of the witnesses only where no source says of which queue a task was.
    site = replace(plan.site, facts=plan.site.facts | {"sent_events_off"}) if reading.series in STARTS else plan.site
    return [
        {"record": one.series.name, "expr": rule.expr, "labels": dict(rule.labels)}
        for one in (*words, reading)
        for rule in one.rules(site)
    ]


def _fed(source: Source, scrape: Scrape, *, alive: bool = True) -> list[dict[str, str]]:
    """The scrape again and again; counters grow from one to the next, while any worker is alive."""
    counters = [m for m in source.metrics if m.type in ("counter", "histogram")] if alive else []
    growth = {m.name + part: "1" for m in counters for part in ("", "_bucket", "_sum", "_count")}
    return series(scrape.samples, source.job, growth)


TESTIMONY = [*(fact.series for fact in facts.FACTS.values()), SOURCE_BLIND, series_doing.EVENTS_UNHEARD, LENGTH_TOLD]
"""What is recorded from all sources together, of which one scrape holds one."""
READINGS = [
    pytest.param(source, reading, id=f"{source.id}-{reading.series.name}")
    for source in registry.sources().values()
    for reading in source.readings
    if evidence(source.id) and reading.series not in TESTIMONY
]


@pytest.mark.promtool
@pytest.mark.parametrize(("source", "reading"), READINGS)
def test_reading_gives_its_series_with_exactly_its_labels(
    promtool: Path, tmp_path: Path, source: Source, reading: Reading
) -> None:
    plan, wanted = _plan(tmp_path, source), set(reading.series.labels) - MISSING.get(source.id, set())
    name = reading.series.name
    shown = AT_WORK.get(f"{source.id} {name}") or AT_WORK.get(name) or at_work(source.id)
    fed = _fed(source, read(shown))
    # The scrapes of Prometheus were taken where a group was named celery-stack.
    fed = [{**one, "series": one["series"].replace(";celery-stack", f";{plan.site.named('stack')}")} for one in fed]
    got = evaluate(promtool, tmp_path, _rules(reading, plan), fed, name)
    assert {frozenset(name for name, _ in labels) for labels in got} == {frozenset(wanted)}


def _value(
    promtool: Path, folder: Path, source_id: str, canonical: str, scrape: str
) -> dict[tuple[tuple[str, str], ...], float]:
    source = registry.sources()[source_id]
    reading = next(r for r in source.readings if r.series.name == canonical)
    fed = _fed(source, read(scrape), alive="allkilled" not in scrape)
    return evaluate(promtool, folder, _rules(reading, _plan(folder, source)), fed, canonical)


@pytest.mark.promtool
@pytest.mark.parametrize(
    ("source", "scrape", "workers"),
    [
        ("celery-exporter", "celery-exporter-0.12.2-load", 2),
        ("celery-exporter", "celery-exporter-next-generic-idle", 2),
        ("celery-exporter", "celery-exporter-0.12.2-allkilled-15s", 2),  # until the last heartbeat is too old
        ("celery-exporter", "celery-exporter-0.12.2-allkilled-320s", 0),
        ("celery-exporter", "celery-exporter-0.12.2-allkilled-640s", 0),
        ("celery-exporter", "celery-exporter-next-generic-allkilled-640s", 0),
        ("flower", "flower-2.2.0-load", 2),
        ("flower", "flower-2.2.0-idle", 2),
        ("worker", "worker-idle", 1),
        ("probe", "probe-idle", 2),
        ("probe", "probe-load", 2),
        ("probe", "probe-allkilled-15s", 0),
        ("process-exporter", "process-exporter-0.7.10-load", 2),
        ("process-exporter", "process-exporter-0.7.10-allkilled-15s", 0),
    ],
)
def test_active_workers_are_counted(promtool: Path, tmp_path: Path, source: str, scrape: str, workers: int) -> None:
    assert _value(promtool, tmp_path, source, "celery:workers_active:count", scrape) == {(): workers}


@pytest.mark.promtool
@pytest.mark.parametrize(
    ("source", "scrape", "waiting"),
    [
        ("celery-exporter", "celery-exporter-0.12.2-load", {"celery": 0, "priority": 0}),
        (
            "redis",
            "redis-exporter-1.45.0-load",
            {"celery": 0, "priority": 0, "dead_letter": 7, "unacked": 4, "nosuch": 0},
        ),
        ("rabbitmq", "rabbitmq-3.10.8-detailed-load", {"celery": 0, "priority": 0, "dead_letter": 106}),
        ("rabbitmq", DELAYED, {"orders": 3}),
        ("probe", "probe-load", {"celery": 20, "priority": 9}),
        ("probe", "probe-allkilled-15s", {"celery": 20, "priority": 9}),
    ],
)
def test_queues_are_measured_and_celerys_own_left_out(
    promtool: Path, tmp_path: Path, source: str, scrape: str, waiting: dict[str, int]
) -> None:
    got = _value(promtool, tmp_path, source, "celery:queue_length:max", scrape)
    assert {labels[0][1]: value for labels, value in got.items()} == waiting


@pytest.mark.promtool
@pytest.mark.parametrize(
    ("source", "scrape"),
    [("redis", "redis-exporter-1.45.0-brokerdown-60s"), ("probe", "probe-brokerdown-12s")],
)
def test_a_broker_that_is_down_is_told(promtool: Path, tmp_path: Path, source: str, scrape: str) -> None:
    assert _value(promtool, tmp_path, source, "celery:broker_up:max", scrape) == {(): 0}


@pytest.mark.promtool
@pytest.mark.parametrize("witness", registry.witnesses().values(), ids=lambda witness: witness.id)
def test_a_witness_affirms_when_its_source_is_at_work(promtool: Path, tmp_path: Path, witness: Witness) -> None:
    source, fact = registry.sources()[witness.source], facts.FACTS[witness.fact]
    rules = _rules(facts.testimony(fact), _plan(tmp_path, source))
    got = evaluate(promtool, tmp_path, rules, _fed(source, read(at_work(source.id))), fact.series.name)
    words = {value for labels, value in got.items() if ("witness", witness.name) in labels}
    assert {frozenset(name for name, _ in labels) for labels in got} == {frozenset(fact.series.labels)}
    assert 1 in words


@pytest.mark.promtool
def test_an_alarm_of_rabbitmq_is_told(promtool: Path, tmp_path: Path) -> None:
    got = _value(promtool, tmp_path, "rabbitmq", "celery:broker_blocked:max", ALARM)
    assert got == {(("alarm", "memory"),): 1, (("alarm", "disk"),): 0}


@pytest.mark.promtool
def test_delayed_tasks_that_no_queue_takes_are_counted(promtool: Path, tmp_path: Path) -> None:
    assert _value(promtool, tmp_path, "rabbitmq", "celery:delayed_undelivered:count", DELAYED) == {(): 5}


@pytest.mark.promtool
def test_without_a_broker_the_probe_claims_no_workers(promtool: Path, tmp_path: Path) -> None:
    assert _value(promtool, tmp_path, "probe", "celery:workers_active:count", "probe-brokerdown-12s") == {}


@pytest.mark.promtool
@pytest.mark.parametrize(("alertmanagers", "lost"), [("one-dead", 0), ("all-dead", 70)])
def test_what_one_alertmanager_misses_is_not_lost(
    promtool: Path, tmp_path: Path, alertmanagers: str, lost: int
) -> None:
    """Every 30 s each counter grows by what the real one had grown to when it was scraped."""
    source = registry.sources()["prometheus"]
    reading = next(r for r in source.readings if r.series is NOTIFICATION_FAILURES)
    dropped = read(f"prometheus-3.13-{alertmanagers}").of("prometheus_notifications_dropped_total")
    fed = [series([one], source.job, {one.name: f"{one.value:g}"})[-1] for one in dropped]
    got = evaluate(promtool, tmp_path, _rules(reading, _plan(tmp_path, source)), fed, reading.series.name)
    assert got == {(("integration", "alertmanager"),): lost}


@pytest.mark.promtool
def test_dead_process_groups_have_no_start_time(promtool: Path, tmp_path: Path) -> None:
    """process-exporter goes on with a group that is gone, and says it started in the year 1."""
    scrape = "process-exporter-0.7.10-allkilled-15s"
    assert _value(promtool, tmp_path, "process-exporter", "celery:worker_start:timestamp", scrape) == {}


@pytest.mark.promtool
def test_tasks_are_counted_once_per_outcome(promtool: Path, tmp_path: Path) -> None:
    """Both workers ran lab.ok, and each series grew by one a scrape: 20 scrapes in 10 minutes."""
    got = _value(promtool, tmp_path, "celery-exporter", "celery:tasks:increase10m", "celery-exporter-next-generic-load")
    one = (("queue", "celery"), ("state", "SUCCESS"), ("task", "lab.ok"))
    assert got[one] == pytest.approx(20)


def _survivors() -> list[tuple[Source, Series]]:
    sources = registry.sources().values()
    return [(source, r.series) for source in sources for r in source.readings if r.survives]


@pytest.mark.promtool
@pytest.mark.parametrize(("source", "canonical"), _survivors(), ids=lambda case: getattr(case, "id", ""))
def test_a_reading_that_survives_says_zero_when_every_series_is_gone(
    promtool: Path, tmp_path: Path, source: Source, canonical: Series
) -> None:
    reading = next(r for r in source.readings if r.series is canonical)
    fed = series([], source.job)
    got = evaluate(promtool, tmp_path, _rules(reading, _plan(tmp_path, source)), fed, canonical.name)
    assert got == {(): 0}
