"""What becomes of log lines on their way: Alloy, which sends them, and Loki, which may refuse them.

Facts: neither ran in our lab. Names, labels and where counters begin are from the source code of Alloy (loki.write's
client and its tests) and of Loki 3.7.8 (pkg/validation/validate.go, pkg/distributor and pkg/ingester for the answers).
"""

from __future__ import annotations

from collections.abc import Mapping

from stackgen.catalog import promql
from stackgen.catalog.counting import increase
from stackgen.catalog.series import LOG_LINES_DROPPED
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, Stimulus, counter

ALLOY = "alloy"
LOKI = "loki"
_TRIED_AGAIN = r"rate_limited|stream_limit|per_stream_rate_limit"
"""Reasons that Loki answers with 429: Alloy sends the lines again until they are taken, so they are not lost."""

DROPPED = Metric(
    name="loki_write_dropped_entries_total",
    type="counter",
    labels=("component_id", "component_path", "host", "reason", "tenant"),
)
DISCARDED = Metric(
    name="loki_discarded_samples_total",
    type="counter",
    labels=("reason", "tenant", "retention_hours", "policy", "format"),
    born="first value",
)


def _rules(site: Site) -> tuple[RecordingRule, ...]:
    sent = increase(DROPPED.name, (f'job="{ALLOY}"',), site, DROPPED.born)
    kept = increase(DISCARDED.name, (f'job="{LOKI}"', f"reason!~{promql.text(_TRIED_AGAIN)}"), site, DISCARDED.born)
    found = {ALLOY: sent, LOKI: kept}
    return tuple(
        RecordingRule(f"sum({expr})", {"program": name}) for name, expr in found.items() if name in site.targets
    )


_FED: Mapping[str, Stimulus] = {
    ALLOY: counter(ALLOY, DROPPED.name, lambda _: {"host": "loki:3100", "reason": "ingester_error", "tenant": ""}),
    LOKI: counter(LOKI, DISCARDED.name, lambda _: {"reason": "too_far_behind", "tenant": "fake"}),
}

ALLOY_SOURCE = Source(
    id=ALLOY,
    title="Grafana Alloy",
    job=ALLOY,
    target="alloy:12345",
    link="https://grafana.com/docs/alloy/latest/reference/components/loki/loki.write/",
    metrics=(DROPPED,),
    readings=(
        Reading(
            series=LOG_LINES_DROPPED,
            uses=(DROPPED,),
            rules=_rules,
            stimulus=lambda site, canonical, segments, step: _FED[canonical["program"]](
                site, canonical, segments, step
            ),
            caveat="Of a batch in which Loki refuses one line, Alloy counts all.",
        ),
    ),
    brought_by="alloy",
)

LOKI_SOURCE = Source(
    id=LOKI,
    title="Loki",
    job=LOKI,
    target="loki:3100",
    link="https://grafana.com/docs/loki/latest/operations/observability/",
    metrics=(DISCARDED,),
    readings=(),
    brought_by="loki",
)
