"""The stack watching itself: Prometheus and Alertmanager, scraped whatever stack.yaml lists.

Facts: scrapes of Prometheus 2.42, 3.5 and 3.13 and of Alertmanager 0.33 (tests/scrapes/).
"""

from __future__ import annotations

from collections.abc import Mapping

from stackgen.catalog import blindness, facts, promql
from stackgen.catalog.images import Image, by_version
from stackgen.catalog.series import (
    NOTIFICATION_FAILURES,
    RULE_FAILURES,
    SOURCE_FAILED_SCRAPES,
    SOURCE_UP,
    WINDOW,
)
from stackgen.catalog.site import Fact, Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, base_labels, counter
from stackgen.catalog.timeline import Gauge, Input, Segment

PROMETHEUS = "prometheus"
ALERTMANAGER = "alertmanager"
FAILURES_IN_A_ROW = 3
"""Failed scrapes of one outage that count as coming and going; CeleryExporterDown tells what lasts."""

RULES_FAILED = Metric(name="prometheus_rule_evaluation_failures_total", type="counter", labels=("rule_group",))
NOTIFICATIONS_DROPPED = Metric(
    name="prometheus_notifications_dropped_total", type="counter", labels=(), newer=("alertmanager",)
)
NOTIFICATIONS_FAILED = Metric(
    name="alertmanager_notifications_failed_total", type="counter", labels=("integration", "reason")
)


_SHARED: dict[Fact, str] = {"prometheus_shared": "others run Prometheus, and watch it"}


def _up(site: Site) -> tuple[RecordingRule, ...]:
    """`or vector(0)` because a job that service discovery forgot has no `up` at all."""
    return tuple(
        RecordingRule(f'max(max_over_time(up{{job="{job}"}}[{site.bridge}])) or vector(0)', {"source": source})
        for source, job in site.jobs.items()
    )


def _failed_scrapes(site: Site) -> tuple[RecordingRule, ...]:
    """Failed scrapes while any replica answered lately: one that stays down counts, an outage of all does not go on."""
    # One second short of a scrape more: whether a range holds a sample as old as itself depends on the version.
    lately = promql.seconds((FAILURES_IN_A_ROW + 1) * site.scrape - 1)
    window = f"[15m:{promql.seconds(site.scrape)}]"
    return tuple(
        RecordingRule(
            f"max(sum_over_time(((1 - {up}) * scalar(max(max_over_time({up}[{lately}])))){window}))",
            {"source": source},
        )
        for source, up in ((source, f'up{{job="{job}"}}') for source, job in site.jobs.items())
    )


def _up_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    del step
    return [Gauge("up", base_labels(site.jobs[canonical["source"]], site), segments)]


def _failed_stimulus(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    """Each segment of amount n is n failed scrapes, a good one before each three, and then good ones."""
    del step
    parts: list[Segment] = []
    for s in segments:
        left, down = s.steps, int(s.amount or 0)
        while down and left:
            bad = min(FAILURES_IN_A_ROW, down, left - 1)
            parts += [Segment(1, 1), *([Segment(0, bad)] if bad else [])]
            left, down = left - 1 - bad, down - bad
        parts += [Segment(1, left)] if left else []
    return [Gauge("up", base_labels(site.jobs[canonical["source"]], site), tuple(parts))]


def _rules(site: Site) -> tuple[RecordingRule, ...]:
    group = site.named("FAMILY").replace("FAMILY", "[a-z_]+")
    # Prometheus labels a group `<file>;<group>`.
    ours = f'job="{PROMETHEUS}",rule_group=~".*;{group}"'
    return (RecordingRule(f"max by (rule_group) (increase({RULES_FAILED.name}{{{ours}}}[{promql.seconds(WINDOW)}]))"),)


def _notifications(site: Site) -> tuple[RecordingRule, ...]:
    """What Prometheus drops is lost only when every Alertmanager of it misses it: since 3.10 each has a series."""
    window = promql.seconds(WINDOW)
    sent = f'increase({NOTIFICATIONS_FAILED.name}{{job="{ALERTMANAGER}"}}[{window}])'
    dropped = f'increase({NOTIFICATIONS_DROPPED.name}{{job="{PROMETHEUS}"}}[{window}])'
    of_prometheus = RecordingRule(f"max(min by (instance) ({dropped}))", {"integration": "alertmanager"})
    if ALERTMANAGER not in site.jobs:
        return (of_prometheus,)
    return (RecordingRule(f"max by (integration) (sum by (instance, integration) ({sent}))"), of_prometheus)


PROMETHEUS_SOURCE = Source(
    id=PROMETHEUS,
    title="Prometheus itself",
    job=PROMETHEUS,
    target="localhost:9090",
    link="https://prometheus.io/docs/practices/monitoring/",
    metrics=(RULES_FAILED, NOTIFICATIONS_DROPPED),
    readings=(
        *(facts.testimony(fact) for fact in facts.FACTS.values()),
        facts.told_lengths(),
        blindness.UNHEARD,
        blindness.READING,
        Reading(series=SOURCE_UP, uses=(), rules=_up, stimulus=_up_stimulus),
        Reading(series=SOURCE_FAILED_SCRAPES, uses=(), rules=_failed_scrapes, stimulus=_failed_stimulus),
        Reading(
            series=RULE_FAILURES,
            uses=(RULES_FAILED,),
            spoiled_by=_SHARED,
            rules=_rules,
            stimulus=counter(PROMETHEUS, RULES_FAILED.name, lambda c: {"rule_group": c["rule_group"]}),
        ),
        Reading(
            series=NOTIFICATION_FAILURES,
            spoiled_by=_SHARED,
            uses=(NOTIFICATIONS_DROPPED, NOTIFICATIONS_FAILED),
            rules=_notifications,
            stimulus=counter(
                ALERTMANAGER,
                NOTIFICATIONS_FAILED.name,
                lambda c: {"integration": c["integration"], "reason": "other"},
            ),
        ),
    ),
    versions=by_version(
        Image(PROMETHEUS, "v3.14.0", "prom/prometheus", "v3.14.0", "2026-08-17", "its releases"),
    ),
    output=PROMETHEUS,
    always=True,
)

ALERTMANAGER_SOURCE = Source(
    id=ALERTMANAGER,
    title="Alertmanager",
    job=ALERTMANAGER,
    target="alertmanager:9093",
    link="https://prometheus.io/docs/alerting/latest/alertmanager/",
    metrics=(NOTIFICATIONS_FAILED,),
    readings=(),
    versions=by_version(
        Image(ALERTMANAGER, "v0.34.0", "prom/alertmanager", "v0.34.0", "2026-08-16", "its releases"),
    ),
    output=ALERTMANAGER,
    always=True,
)
