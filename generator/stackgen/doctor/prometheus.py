"""What Prometheus knows of this stack: each question selects as the rules do, so that no other stack answers it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from stackgen.catalog import belonging, promql
from stackgen.catalog.series import QUEUE_LENGTH, SOURCE_BLIND
from stackgen.catalog.sources import rabbitmq, worker
from stackgen.doctor import buckets, cost, http, operator, rules
from stackgen.doctor.exposition import Sample
from stackgen.doctor.seen import EXPORTER, Seen, Target, clocks
from stackgen.resolve.plan import Plan, Scraped
from stackgen.rules.build import group_names

_OF_WORKERS = '{__name__=~"celery_worker_up|celery_task_received_total",hostname!=""}'
"""What celery-exporter says of each worker."""


def look(seen: Seen, url: str) -> Seen:
    """What is scraped, recorded and loaded. Raises Unreachable."""
    plan = seen.plan
    now, loaded = _series(url, "vector(time())")[0].value, http.ask(f"{url}/api/v1/rules")
    up = {one.source.id: _series(url, selecting("up", one.source.job, plan)) for one in plan.scraped}
    ours = _series(url, selecting("", plan.site.jobs.get(EXPORTER, EXPORTER), plan))
    held = selecting(rabbitmq.READY.name, rabbitmq.JOB, plan)
    begun = selecting(worker.START.name, worker.JOB, plan)
    blind = belonging.narrowed(SOURCE_BLIND.name, plan.site)
    recorded = promql.select("", f"__name__=~{promql.text('|'.join(plan.chosen))}", *promql.exactly(plan.site.identity))
    return replace(
        seen,
        targets={source: {_target(one): one.value > 0 for one in found} for source, found in up.items()},
        jobs=frozenset(one.labels.get("job", "") for one in _series(url, "count by (job) (up)")),
        elsewhere={s.source.id: _elsewhere(s, plan, url) for s in plan.scraped if not up[s.source.id]},
        errors=_errors(url),
        native=_native(url, f'{{__name__=~"{"|".join(buckets.queries(plan))}"}}'),
        exporters=frozenset(map(_target, ours)),
        second=_second(ours, plan, url),
        recorded=frozenset(one.name for one in _series(url, recorded)),
        bounds={name: buckets.bounds(_series(url, query)) for name, query in buckets.queries(plan).items()},
        vhosts=_by_vhost(_series(url, held)),
        lengths=_queues(plan, url),
        blind=frozenset(one.labels["missing"] for one in _series(url, blind)),
        born_later=frozenset(one.labels.get("worker", "?") for one in _series(url, f"{begun} > time() + 5")),
        exporter=tuple(ours) or None,
        rules=rules.loaded(loaded, plan),
        groups=rules.names(loaded),
        pools=operator.look(url, plan),
        evaluations=cost.evaluations(loaded, group_names(plan.site)),
        clocks=clocks(seen, "Prometheus", now),
    )


def selecting(metric: str, job: str, plan: Plan) -> str:
    """What a source exposes, selected as the rules select it; `job` is the catalogue's."""
    return belonging.narrowed(promql.select(metric, promql.one_of("job", [job])), plan.site)


def _elsewhere(scraped: Scraped, plan: Plan, url: str) -> tuple[Mapping[str, str], ...]:
    """The labels under which Prometheus has what a source exposes and the rules do not find, the likest first."""
    metrics = sorted({metric.name for reading in scraped.source.readings for metric in reading.uses} - {"up"})
    told = plan.site.told.get(scraped.source.job)
    labels = list(told.labels if told else ("job",)) + (["instance"] if told and told.targets else [])
    if not metrics or scraped.shared:
        return ()
    named = promql.text(f"({'|'.join(metrics)})(_bucket)?")
    found = _series(url, f"count by ({', '.join(labels)}) ({{__name__=~{named}}})")
    wanted = told.labels.items() if told else set()

    def unlike(labels: Mapping[str, str]) -> tuple[int, bool, str]:
        alike = wanted & labels.items()
        return -len([name for name, _ in alike if name != "job"]), ("job", labels["job"]) not in alike, str(labels)

    return tuple(sorted((one.labels for one in found), key=unlike))


def _second(ours: Iterable[Sample], plan: Plan, url: str) -> frozenset[Target]:
    """Targets that see the same workers and that the rules do not select, for nothing says that they are others'."""
    told = plan.site.told.get(plan.site.jobs.get(EXPORTER, EXPORTER))
    telling = {name: text for name, text in (told.labels if told else {}).items() if name != "job"}
    here, workers = set(map(_target, ours)), {one.labels.get("hostname") for one in ours} - {None}
    return frozenset(
        _target(one)
        for one in _series(url, _OF_WORKERS)
        if one.labels["hostname"] in workers
        and _target(one) not in here
        and all(one.labels.get(name, text) == text for name, text in telling.items())
    )


def _by_vhost(samples: Iterable[Sample]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for one in samples:
        vhost, queue = one.labels.get("vhost", ""), one.labels.get("queue", "")
        found[vhost] = found.get(vhost, frozenset()) | {queue}
    return found


def _queues(plan: Plan, url: str) -> frozenset[str] | None:
    """Queues whose length is recorded; None where there is no length at all, which is told otherwise."""
    ours = _series(url, belonging.narrowed(QUEUE_LENGTH.name, plan.site))
    return frozenset(one.labels.get("queue", "") for one in ours) or None


def _series(url: str, query: str) -> list[Sample]:
    """The answer to an instant query. Raises Unreachable."""
    answer = http.ask(f"{url}/api/v1/query", query=query)
    if not isinstance(answer, Mapping) or "result" not in answer:
        message = "it does not answer as Prometheus does"
        raise http.Unreachable(message)
    return list(_parsed(answer["result"]))


def _native(url: str, query: str) -> frozenset[str]:
    """Names of the native histograms in the answer to an instant query. Raises Unreachable."""
    answer = http.ask(f"{url}/api/v1/query", query=query)
    result = answer.get("result") if isinstance(answer, Mapping) else None
    found = (one["metric"] for one in (result if isinstance(result, list) else []) if "histogram" in one)
    return frozenset(str(metric.get("__name__", "")) for metric in found)


def _errors(url: str) -> dict[Target, str]:
    """What Prometheus says of each target whose last scrape failed. Raises Unreachable."""
    answer = http.ask(f"{url}/api/v1/targets", state="active")
    targets = answer.get("activeTargets") if isinstance(answer, Mapping) else None
    found: dict[Target, str] = {}
    for target in targets if isinstance(targets, list) else []:
        labels = target.get("labels", {})
        if error := " ".join(str(target.get("lastError") or "").split()):
            found[str(labels.get("job", "")), str(labels.get("instance", ""))] = error
    return found


def _parsed(result: object) -> Iterator[Sample]:
    for one in result if isinstance(result, list) else []:
        labels = {str(name): str(value) for name, value in one["metric"].items()}
        if "value" in one:  # else it is a native histogram
            yield Sample(labels.pop("__name__", ""), labels, float(one["value"][1]))


def _target(sample: Sample) -> Target:
    return sample.labels.get("job", ""), sample.labels.get("instance", "")
