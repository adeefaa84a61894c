"""The chapters of the live proof: each is a system of its own on one broker, and what is broken in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.live import evidence, scenarios, schedule, seen, stalls
from tests.live.brokers import Kind
from tests.live.scenarios import Scenario

Batches = Sequence[Sequence[Scenario]]


@dataclass(frozen=True)
class Chapter:
    """One system, and what happens to it side by side, one batch after the other."""

    name: str
    kind: Kind
    exporters: tuple[str, ...]
    batches: Batches
    otherwise: tuple[str, ...] = ()
    """Files whose keys are written instead of those of stack.yaml."""
    thresholds: Mapping[str, object] = field(default_factory=dict)
    """Besides those in the files."""
    facts: Mapping[str, float] = field(default_factory=dict)
    """Queries to Prometheus, and their answers when all is well."""
    asks: bool = False
    """Whether everything there is happens in it: each panel must show something, and the doctor is asked of faults."""


_WITH_BEAT = {**seen.BY_EXPORTER, **seen.BY_PROBE, **seen.BY_BEAT}

CHAPTERS = (
    Chapter(
        name="faults",
        kind="redis",
        exporters=("exporter", "redis-exporter", "flower"),
        batches=scenarios.BATCHES["redis"],
        facts=seen.BY_FLOWER,
        asks=True,
    ),
    Chapter(
        name="faults",
        kind="rabbitmq",
        exporters=("probe",),
        batches=scenarios.BATCHES["rabbitmq"],
        otherwise=("rabbitmq.yaml",),
        facts={**seen.BY_PROBE, **seen.BY_RABBITMQ},
        asks=True,
    ),
    Chapter(
        name="evidence",
        kind="redis",
        exporters=("exporter", "redis-exporter"),
        batches=evidence.BATCHES["redis"],
        otherwise=("evidence.yaml",),
        facts=seen.BY_EXPORTER,
    ),
    Chapter(
        name="evidence",
        kind="rabbitmq",
        exporters=("exporter", "probe"),
        batches=evidence.BATCHES["rabbitmq"],
        otherwise=("rabbitmq.yaml", "evidence.yaml", "evidence-rabbitmq.yaml"),
        facts={**seen.BY_EXPORTER, **seen.BY_PROBE},
    ),
    Chapter(
        name="schedule",
        kind="redis",
        exporters=("exporter", "probe", "beat"),
        batches=schedule.BATCHES["redis"],
        otherwise=("schedule.yaml",),
        facts=_WITH_BEAT,
    ),
    Chapter(
        name="schedule",
        kind="rabbitmq",
        exporters=("exporter", "probe", "beat"),
        batches=schedule.BATCHES["rabbitmq"],
        otherwise=("schedule.yaml", "beat-rabbitmq.yaml"),
        facts=_WITH_BEAT,
    ),
    Chapter(
        name="stalls",
        kind="redis",
        exporters=("exporter", "probe", "beat"),
        batches=stalls.BATCHES["redis"],
        otherwise=("stalls.yaml",),
        thresholds={"task_visibility": {"for": "20s"}},
        facts=_WITH_BEAT,
    ),
    Chapter(
        name="stalls",
        kind="rabbitmq",
        exporters=("exporter", "probe", "beat"),
        batches=stalls.BATCHES["rabbitmq"],
        otherwise=("stalls.yaml", "beat-rabbitmq.yaml"),
        thresholds={"broker_expired": {"for": "20s"}},
        facts=_WITH_BEAT,
    ),
)
