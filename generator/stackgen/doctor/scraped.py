"""Faults that Prometheus shows: targets that are down or double, series that are missing, rules that are others."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.catalog import facts
from stackgen.catalog.signals.stack import WATCHDOG
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import EXPORTER, Rule, Seen, alerts, fed_by
from stackgen.resolve.plan import LOOKED_UP, Scraped

_SKEW_SECONDS = 5.0
_MOST = 5
_TESTIMONY = tuple(fact.series for fact in facts.FACTS.values())
"""What witnesses say: their silence is no fault."""


def check(seen: Seen) -> Iterator[Finding]:
    """Every fault that Prometheus, Alertmanager and the clocks show."""
    yield from _targets(seen)
    yield from _twice(seen)
    yield from _series(seen)
    yield from _rules(seen)
    yield from _watchdog(seen)
    yield from _clocks(seen)


def _down(seen: Seen) -> set[str]:
    """Sources of which no target is up."""
    if seen.up is None:
        return set()
    alive = {job for (job, _), up in seen.up.items() if up}
    return {s.source.id for s in seen.plan.scraped if s.source.job not in alive}


def _targets(seen: Seen) -> Iterator[Finding]:
    if seen.up is None:
        return
    known = {job for job, _ in seen.up}
    for scraped in seen.plan.scraped:
        if scraped.source.id in _down(seen):
            job = scraped.source.job
            how = "answers no scrape" if job in known else "is not scraped at all"
            said = sorted({error for (of, _), error in seen.errors.items() if of == job})
            why = f"; Prometheus says: {said[0]}" if said else ""
            yield Finding(
                "source-down",
                f"the source {scraped.source.id} (job {job}) {how}{why}",
                _remedy(scraped, said) if job in known else "load the generated prometheus.yml into this Prometheus",
                alerts(seen.plan, fed_by(seen.plan, scraped.source.id)),
            )


def _remedy(scraped: Scraped, said: list[str]) -> str:
    """What to do about a source that fails every scrape: one whose answer is refused does run."""
    if any("Content-Type" in error for error in said):
        return (
            "it runs, and since 3.0 Prometheus refuses an answer whose Content-Type is blank or unknown: "
            "mend what drops the header, or set fallback_scrape_protocol: PrometheusText0.0.4 for this job"
        )
    return f"start it, and see under /targets why {', '.join(scraped.targets[:_MOST])} fails"


def _twice(seen: Seen) -> Iterator[Finding]:
    job = seen.plan.site.jobs.get(EXPORTER)
    if not job:
        return
    others = sorted(set(seen.jobs_with_tasks) - {job})
    wanted = {t for s in seen.plan.scraped if s.source.job == job for t in s.targets}
    found = any(target.startswith(LOOKED_UP) for target in wanted)  # what is behind these, Prometheus knows
    there = seen.jobs_with_tasks.get(job, frozenset())
    # As many as there are targets are those, whatever relabelling calls them.
    more = [] if found or len(there) <= len(wanted) else sorted(there - wanted)
    if others or more:
        where = f"job {', '.join(others[:_MOST])}" if others else f"{', '.join(more[:_MOST])} of job {job}"
        yield Finding(
            "two-exporters",
            f"a second Celery exporter is scraped: {where}; whatever does not name job and replica counts twice",
            "scrape one exporter for each broker; remove the other from Prometheus, or name it under targets",
            alerts(seen.plan, fed_by(seen.plan, EXPORTER)),
        )


def _series(seen: Seen) -> Iterator[Finding]:
    """Levels always have a value; of flows it is no fault that nothing happened."""
    if seen.recorded is None:
        return
    down = _down(seen)
    for chosen in seen.plan.chosen.values():
        if chosen.series in _TESTIMONY:
            continue
        lacking = chosen.series.name not in seen.recorded
        if (
            lacking
            and chosen.series.kind == "gauge"
            and not chosen.series.rare
            and down.isdisjoint(one.id for one in chosen.sources)
        ):
            uses = ", ".join(metric.name for metric in chosen.reading.uses) or "up"
            yield Finding(
                "series-missing",
                f"{chosen.series.name} has no value, although {chosen.source.id} is scraped",
                f"see that {chosen.source.id} exposes {uses}, that its flags are the generated ones, "
                "and that the rules are loaded",
                alerts(seen.plan, [chosen.series]),
            )


def _rules(seen: Seen) -> Iterator[Finding]:
    from stackgen.doctor.rules import generated

    if seen.rules is None:
        return
    wanted = generated(seen.plan)
    names = {(r.group, r.name) for r in wanted ^ seen.rules}
    if not names:
        return
    lacking, foreign = _names(wanted - seen.rules), _names(seen.rules - wanted)
    changed = lacking & foreign
    parts = (("other", changed), ("missing", lacking - changed), ("not ours", foreign - changed))
    listed = "; ".join(f"{word}: {', '.join(sorted(some)[:_MOST])}" for word, some in parts if some)
    alerting = {signal.alert for signal in seen.plan.metric_signals}
    yield Finding(
        "rules-differ",
        f"Prometheus has other rules than stack.yaml makes: {listed}",
        "copy output/prometheus/rules there and reload Prometheus (SIGHUP, or POST /-/reload)",
        tuple(sorted(alerting & {name for _, name in names})),
    )


def _names(rules: frozenset[Rule]) -> set[str]:
    return {rule.name for rule in rules}


def _watchdog(seen: Seen) -> Iterator[Finding]:
    if seen.alerts is not None and seen.plan.of(WATCHDOG) and WATCHDOG.alert not in seen.alerts:
        yield Finding(
            "no-watchdog",
            f"Alertmanager does not hold {WATCHDOG.alert}, which always fires: it is told of no alert",
            "see that prometheus.yml names this Alertmanager and that the rules are loaded",
            tuple(dict.fromkeys(signal.alert for signal in seen.plan.metric_signals)),
        )


def _clocks(seen: Seen) -> Iterator[Finding]:
    for who, ahead in sorted(seen.clocks.items()):
        if abs(ahead) > _SKEW_SECONDS:
            yield Finding(
                "clock-skew",
                f"the clock of {who} is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}",
                "let chrony or systemd-timesyncd set the clocks of all machines",
            )
    if seen.born_later:
        yield Finding(
            "clock-skew",
            f"by the clock of Prometheus these workers start in the future: {', '.join(sorted(seen.born_later)[:5])}",
            "let chrony or systemd-timesyncd set the clocks of all machines",
        )
