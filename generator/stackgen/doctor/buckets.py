"""Histograms without a bound at the threshold: between bounds a quantile is a guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from stackgen.catalog import belonging, promql
from stackgen.catalog.series import TASK_DURATION_BUCKET, TASK_WAIT_BUCKET, Series
from stackgen.catalog.signal import Signal
from stackgen.catalog.signals.queues import QUEUE_WAIT_P95
from stackgen.catalog.signals.tasks import DURATION_P95
from stackgen.doctor.exposition import Sample
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import Seen
from stackgen.resolve.plan import Alert, Plan

_SIGNALS: tuple[tuple[Series, Signal], ...] = (
    (TASK_DURATION_BUCKET, DURATION_P95),
    (TASK_WAIT_BUCKET, QUEUE_WAIT_P95),
)


def queries(plan: Plan) -> dict[str, str]:
    """By histogram whose bounds matter: a query for the bounds that each instance has."""
    chosen = [plan.chosen[series.name] for series, _ in _SIGNALS if series.name in plan.chosen]
    found = {c.reading.uses[0].name: promql.one_of("job", [c.source.job]) for c in chosen}
    exprs = {name: f"count by (instance, le) ({promql.select(f'{name}_bucket', job)})" for name, job in found.items()}
    return {name: belonging.narrowed(expr, plan.site) for name, expr in exprs.items()}


def bounds(samples: Iterable[Sample]) -> dict[str, frozenset[str]]:
    """By instance: the bounds, as written."""
    found: dict[str, frozenset[str]] = {}
    for sample in samples:
        instance = sample.labels.get("instance", "")
        found[instance] = found.get(instance, frozenset()) | {sample.labels["le"]}
    return found


def check(seen: Seen) -> Iterator[Finding]:
    """One finding for each histogram; that of one worker with an older file is not covered by the others."""
    for series, signal in _SIGNALS:
        alerts, chosen = seen.plan.of(signal), seen.plan.chosen.get(series.name)
        if not alerts or chosen is None:
            continue
        metric = chosen.reading.uses[0].name
        if metric in seen.native and not seen.bounds.get(metric):
            yield Finding(
                "native-histogram",
                f"Prometheus keeps {metric} as a native histogram: there is no {metric}_bucket, which the rules read",
                "set always_scrape_classic_histograms: true for this job beside convert_classic_histograms_to_nhcb",
                (signal.alert,),
            )
        exposed = [finite for bounds in seen.bounds.get(metric, {}).values() if (finite := _finite(bounds))]
        limits = _limits(alerts)
        if missing := sorted({limit for finite in exposed for limit in limits - finite}):
            listed = ", ".join(f"{promql.number(limit)} s" for limit in missing[:5])
            yield Finding(
                "buckets",
                f"{metric} has no bound at the threshold {listed} "
                f"(its largest bound is {promql.number(min(map(max, exposed)))}): "
                "a quantile beyond the largest bound can never be seen, and between bounds it is a guess",
                chosen.source.advice,
                (signal.alert,),
            )


def _finite(bounds: frozenset[str]) -> frozenset[Fraction]:
    return frozenset(Fraction(bound) for bound in bounds if bound not in ("+Inf", "inf"))


def _limits(alerts: Iterable[Alert]) -> set[Fraction]:
    limits = {alert.threshold for alert in alerts if alert.threshold is not None}
    return limits | {limit for alert in alerts for limit in alert.overrides.values()}
