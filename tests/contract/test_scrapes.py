"""The catalogue against real scrapes: names, types, labels, versions, births and lifetimes, in both directions."""

from __future__ import annotations

import pytest

from stackgen.catalog import registry
from stackgen.catalog.source import Metric
from stackgen.catalog.sources import celery_exporter, flower
from tests.contract.scrape import evidence, names, read
from tests.contract.take import EXPECTED

UNSEEN = {
    "cadvisor": "no container engine in our lab; its names are from its source code, see tests/scrapes/README.md",
    "alloy": "not to be had in our lab; its names are from its source code and its own tests",
    "loki": "not to be had in our lab; its names are from its source code",
}

UNUSED = {
    "celery_active_consumer_count": "RabbitMQ only, and counts consumers, not workers; the rabbitmq source is better",
    "celery_beat_last_tick_timestamp_seconds": "how late the next one is says more, and needs no clock but beat's",
    "celery_worker_counts_lost_total": "0 but for a worker that hangs; the worker's log says the same",
    "celery_tasks_running": "for a person who looks at one worker; nothing of ours judges or draws it",
    "flower_task_prefetch_time_seconds": "the last value only, not a distribution",
    "celery_worker_reserved": "how long messages wait in a worker is judged, not how many: some always do",
    "flower_worker_prefetched_tasks": "drifts with retries",
    "flower_worker_number_of_currently_executing_tasks": "frozen after the worker dies",
}
"""Families that exporters have and the catalogue leaves out on purpose. `_created` series are dropped when scraped."""

COUNTERS_WITHOUT_ZERO = ("celery_tasks_total", "flower_events_total")
"""Counters of which no series was ever seen at 0."""


def _metrics() -> list[tuple[str, Metric]]:
    return [(s.id, m) for s in registry.sources().values() if s.id not in UNSEEN for m in s.metrics]


def _scrapes(source: str, metric: Metric) -> list[str]:
    """The scrapes that must hold the metric, if anything happened."""
    return evidence(source, metric.since)


def _parts(metric: Metric) -> dict[str, set[str]]:
    labels = set(metric.labels)
    if metric.type != "histogram":
        return {metric.name: labels}
    return {f"{metric.name}_bucket": labels | {"le"}, f"{metric.name}_sum": labels, f"{metric.name}_count": labels}


def _ids(case: object) -> str:
    return case if isinstance(case, str) else getattr(case, "name", "")


def test_every_source_has_scrapes_or_a_reason() -> None:
    assert {source for source in registry.sources() if not evidence(source)} == set(UNSEEN)


def test_every_scrape_is_of_a_source() -> None:
    assert {name for source in registry.sources() for name in evidence(source)} == set(names(""))


@pytest.mark.parametrize(("source", "metric"), _metrics(), ids=_ids)
def test_type_is_as_scraped(source: str, metric: Metric) -> None:
    types = {kind for name in _scrapes(source, metric) if (kind := read(name).types.get(metric.name))}
    assert types == {metric.type}


@pytest.mark.parametrize(("source", "metric"), _metrics(), ids=_ids)
def test_labels_are_as_scraped(source: str, metric: Metric) -> None:
    seen = {
        part: {frozenset(sample.labels) for name in _scrapes(source, metric) for sample in read(name).of(part)}
        for part in _parts(metric)
    }
    parts = _parts(metric).items()
    assert seen == {part: {frozenset(labels), frozenset(labels | {*metric.newer})} for part, labels in parts}


@pytest.mark.parametrize("prefix", ["beat-", "celery-exporter-", "flower-", "worker-", "probe-"])
def test_no_family_of_a_celery_exporter_is_overlooked(prefix: str) -> None:
    known = {metric.name for _, metric in _metrics()} | set(UNUSED)
    seen = {family for name in names(prefix) for family in read(name).types}
    assert {family for family in seen if not family.endswith("_created")} - known == set()


def test_no_reason_is_kept_for_a_family_nobody_exposes() -> None:
    seen = {f for name in names("") for f in read(name).types}
    assert set(UNUSED) - seen == set()


@pytest.mark.parametrize(("source", "metric"), [(s, m) for s, m in _metrics() if m.since], ids=_ids)
def test_older_versions_lack_what_came_later(source: str, metric: Metric) -> None:
    versions = list(registry.sources()[source].versions)
    older = versions[: versions.index(metric.since)]
    scrapes = [n for version in older for n in evidence(source, version)]
    assert scrapes
    assert [n for n in scrapes if metric.name in read(n).types] == []


def test_a_real_exception_is_never_seen_at_zero() -> None:
    values = [
        sample.value
        for name in names("celery-exporter-")
        for sample in read(name).of("celery_task_failed_total")
        if sample.labels["exception"]
    ]
    assert values
    assert min(values) > 0


@pytest.mark.parametrize("counter", COUNTERS_WITHOUT_ZERO)
def test_a_counter_born_at_its_first_value_is_never_seen_at_zero(counter: str) -> None:
    metric = next(m for _, m in _metrics() if m.name == counter)
    values = [s.value for name in _scrapes(metric_source(metric), metric) for s in read(name).of(counter)]
    assert metric.born == "first value"
    assert min(values) > 0


def metric_source(metric: Metric) -> str:
    """The source that exposes a metric."""
    return next(source for source, known in _metrics() if known is metric)


@pytest.mark.parametrize(("source", "metric"), [(s, m) for s, m in _metrics() if s in ("prometheus", "alertmanager")])
def test_the_stacks_own_counters_begin_at_zero(source: str, metric: Metric) -> None:
    assert metric.born == "zero"
    assert 0 in [sample.value for name in _scrapes(source, metric) for sample in read(name).of(metric.name)]


def _of_killed(name: str, metric: Metric) -> list[str]:
    """The killed workers' series of one metric; `client` is the program that sent the tasks."""
    part = f"{metric.name}_count" if metric.type == "histogram" else metric.name
    return [s.labels["hostname"] for s in read(name).of(part) if s.labels["hostname"] in ("hosta", "hostb")]


MORTAL = [m for m in celery_exporter.SOURCE.metrics if m.lifetime]


@pytest.mark.parametrize("metric", MORTAL, ids=lambda m: m.name)
@pytest.mark.parametrize("version", ["0.12.2", "next"])
def test_series_of_a_killed_worker_live_as_long_as_the_catalogue_says(metric: Metric, version: str) -> None:
    if metric.since and version != metric.since:
        return
    # 320 s and 640 s after the last worker was killed, on each side of the lifetime.
    assert metric.lifetime == 600
    if metric.name != "celery_task_sent_total":  # a worker sends only what it retries
        assert _of_killed(f"celery-exporter-{version}-allkilled-320s", metric)
    assert _of_killed(f"celery-exporter-{version}-allkilled-640s", metric) == []


def test_a_heartbeat_says_zero_before_it_vanishes() -> None:
    values = [s.value for s in read("celery-exporter-0.12.2-allkilled-320s").of("celery_worker_up")]
    assert values == [0, 0]


@pytest.mark.parametrize("metric", [m for m in celery_exporter.SOURCE.metrics if not m.lifetime], ids=lambda m: m.name)
def test_series_without_lifetime_stay(metric: Metric) -> None:
    assert read("celery-exporter-0.12.2-allkilled-640s").of(metric.name)


def test_flower_remembers_the_dead_for_ever_unless_told_otherwise() -> None:
    assert [s.value for s in read("flower-2.2.0-allkilled-640s").of("flower_worker_online")] == [1, 1]
    assert {m.lifetime for m in flower.SOURCE.metrics} == {flower.PURGE}


@pytest.mark.parametrize("name", names("worker-load"))
def test_a_worker_of_any_pool_counts_what_was_sent(name: str) -> None:
    counted: dict[tuple[str, str], float] = {}
    for sample in read(name).of("celery_tasks_total"):
        key = (sample.labels["task"].removeprefix("lab."), sample.labels["state"])
        counted[key] = counted.get(key, 0) + sample.value
    assert {key: counted.get(key) for key in EXPECTED} == EXPECTED
