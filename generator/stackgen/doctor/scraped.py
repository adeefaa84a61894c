"""Faults that Prometheus shows: targets that are down or double, series that are missing, rules that are others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stackgen.catalog import blindness, facts, promql
from stackgen.catalog.series_evidence import LENGTH_TOLD
from stackgen.catalog.signals.evidence import SOURCE_BLIND_SIGNAL
from stackgen.catalog.signals.stack import WATCHDOG
from stackgen.doctor import operator
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import EXPORTER, Rule, Seen, alerts, fed_by
from stackgen.resolve.plan import LOOKED_UP, Plan, Scraped

_SKEW_SECONDS = 5.0
_MOST = 5
_TESTIMONY = (*(fact.series for fact in facts.FACTS.values()), LENGTH_TOLD)
"""What witnesses say: their silence is no fault."""


def check(seen: Seen) -> Iterator[Finding]:
    """Every fault that Prometheus, Alertmanager and the clocks show."""
    yield from _targets(seen)
    yield from _twice(seen)
    yield from _series(seen)
    yield from _blind(seen)
    yield from _rules(seen)
    yield from _watchdog(seen)
    yield from _clocks(seen)


def _down(seen: Seen) -> set[str]:
    """Sources of which no target is up; the Prometheus of others is not judged."""
    judged = (scraped.source.id for scraped in seen.plan.scraped if not scraped.shared)
    return {source for source in judged if seen.targets is not None and not any(seen.targets[source].values())}


def _targets(seen: Seen) -> Iterator[Finding]:
    for scraped in seen.plan.scraped:
        source = scraped.source.id
        if seen.targets is None or source not in _down(seen):
            continue
        there = seen.elsewhere.get(source, ())
        if not seen.targets[source] and not there and source in operator.untargeted(seen):
            continue  # told with the object that should have found them
        if targets := seen.targets[source]:
            said = sorted({error for target, error in seen.errors.items() if target in targets})
            how, fix = f"answers no scrape{f'; Prometheus says: {said[0]}' if said else ''}", _remedy(scraped, said)
        elif there:
            how = f"is not found: nothing has {{{_selector(scraped, seen.plan)}}}; such metrics have {_listed(there)}"
            fix = f"if those are this stack's: {_told(scraped, there[0])}"
        else:
            how = f"is not scraped at all: nothing has {{{_selector(scraped, seen.plan)}}}; jobs there: {_jobs(seen)}"
            fix = "load the generated prometheus.yml into this Prometheus"
            if seen.plan.spec.shares("prometheus"):
                fix = "add its job of the generated scrape.yml, or say under sources which job and labels it has there"
        suffer = alerts(seen.plan, fed_by(seen.plan, source))
        yield Finding("source-down", f"the source {source} (job {scraped.job}) {how}", fix, suffer)


def _selector(scraped: Scraped, plan: Plan) -> str:
    """What the rules ask of the targets of a source."""
    told = plan.site.told.get(scraped.source.job)
    return told.matchers if told else promql.one_of("job", [scraped.job])


def _listed(found: Sequence[Mapping[str, str]]) -> str:
    of_each = (f"{{{','.join(sorted(promql.exactly(labels)))}}}" for labels in found[:_MOST])
    return " and ".join(of_each)


def _jobs(seen: Seen) -> str:
    more = f" and {len(seen.jobs) - _MOST} more" if len(seen.jobs) > _MOST else ""
    return (", ".join(sorted(seen.jobs)[:_MOST]) or "none") + more


def _told(scraped: Scraped, there: Mapping[str, str]) -> str:
    """The line of stack.yaml that names the targets as they are."""
    name, job = scraped.source.id, there.get("job", "")
    labels = {label: text for label, text in there.items() if label not in ("job", "instance")}
    entry = [f"name: {name}", *([f"job: {job}"] if job != scraped.source.job else [])]
    entry += [f"labels: {{{', '.join(f'{label}: {text}' for label, text in labels.items())}}}"] if labels else []
    if "instance" in there and job == scraped.job:
        at = f"write what Prometheus calls it under targets: {there['instance']}"
        return f"{at}; or say shared: [prometheus] where others run it and relabel addresses"
    return f"under sources in stack.yaml: - {{{', '.join(entry)}}}"


def _remedy(scraped: Scraped, said: list[str]) -> str:
    """What to do about a source that fails every scrape: one whose answer is refused does run."""
    if any("Content-Type" in error for error in said):
        return (
            "it runs, and since 3.0 Prometheus refuses an answer whose Content-Type is blank or unknown: "
            "mend what drops the header, or set fallback_scrape_protocol: PrometheusText0.0.4 for this job"
        )
    return f"start it, and see under /targets why {', '.join(scraped.targets[:_MOST])} fails"


def _twice(seen: Seen) -> Iterator[Finding]:
    if EXPORTER not in seen.plan.site.jobs:
        return
    wanted = {t for s in seen.plan.scraped if s.source.id == EXPORTER for t in s.targets}
    found = any(target.startswith(LOOKED_UP) for target in wanted)  # what is behind these, Prometheus knows
    # As many as there are targets are those, whatever relabelling calls them.
    many = not found and not seen.plan.site.copies.labels and len(seen.exporters) > len(wanted)
    more = sorted(target for target in seen.exporters if many and target[1] not in wanted)
    if others := [*sorted(seen.second), *more][:_MOST]:
        where = ", ".join(f"{instance} of job {job}" for job, instance in others)
        yield Finding(
            "two-exporters",
            f"a second Celery exporter sees the same workers: {where}; other queries than the rules' count twice",
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


def _blind(seen: Seen) -> Iterator[Finding]:
    """What CeleryExporterBlind tells, in its words."""
    from stackgen.rules.wording import Fill, texts

    for alert in seen.plan.of(SOURCE_BLIND_SIGNAL)[:1]:
        for missing in sorted(seen.blind):
            said = texts(alert, seen.plan, Fill({"missing": missing}, 1, alert.threshold))["summary"].removesuffix(".")
            blinded = blindness.blinded(missing, seen.plan.site)
            yield Finding("source-blind", said, alert.signal.action.removesuffix("."), blinded)


def _rules(seen: Seen) -> Iterator[Finding]:
    from stackgen.doctor.rules import differing, generated

    if seen.rules is None:
        return
    without, beyond = differing(generated(seen.plan), seen.rules, operator.space(seen.plan))
    told = operator.not_loaded(seen)
    without = {rule for rule in without if rule.group not in told}
    names = {(r.group, r.name) for r in without | beyond}
    if not names:
        return
    lacking, foreign = _names(without), _names(beyond)
    changed = lacking & foreign
    parts = (("other", changed), ("missing", lacking - changed), ("not ours", foreign - changed))
    listed = "; ".join(f"{word}: {', '.join(sorted(some)[:_MOST])}" for word, some in parts if some)
    alerting = {signal.alert for signal in seen.plan.metric_signals}
    yield Finding(
        "rules-differ",
        f"Prometheus has other rules than stack.yaml makes: {listed}",
        operator.APPLY
        if operator.space(seen.plan)
        else "copy output/prometheus/rules there and reload Prometheus (SIGHUP, or POST /-/reload)",
        tuple(sorted(alerting & {name for _, name in names})),
    )


def _names(rules: set[Rule]) -> set[str]:
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
