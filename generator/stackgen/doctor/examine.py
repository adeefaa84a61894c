"""Gathers what is seen of the running stack, then lets every check look at it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from stackgen.catalog import belonging
from stackgen.catalog.corner import Corner
from stackgen.catalog.series import QUEUE_LENGTH
from stackgen.catalog.sources import rabbitmq, worker
from stackgen.doctor import broker, buckets, corner, events, http, logs, machine, queues, rules, scraped
from stackgen.doctor.exposition import Sample, samples
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import EXPORTER, Seen
from stackgen.resolve.plan import Plan

_LIKE_EXPORTER = '{__name__=~"celery_worker_up|celery_task_received_total|celery_active_worker_count"}'
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Where to look; what is None is not looked at."""

    prometheus: str | None = None
    exporter: str | None = None
    alertmanager: str | None = None
    broker: str | None = None
    """Name of the environment variable that holds the broker's address."""
    secrets: Path | None = None
    logs: str | None = None
    """Log files, or their folder; "": where stack.yaml says."""


def examine(plan: Plan, asked: Asked) -> list[Finding]:
    """Everything that is wrong with the running stack."""
    eyes = _Eyes(plan, asked.secrets)
    if asked.prometheus:
        eyes.prometheus(asked.prometheus.rstrip("/"))
    if asked.exporter:
        eyes.exporter(asked.exporter)
    if asked.alertmanager:
        eyes.alertmanager(asked.alertmanager.rstrip("/"))
    if asked.broker:
        eyes.broker(asked.broker)
    seen = eyes.seen
    found = [*eyes.unreachable, *scraped.check(seen), *events.check(seen), *buckets.check(seen)]
    found += events.priorities(seen)
    found += [*queues.check(seen), *corner.check(seen)]
    found += logs.check(plan, asked.logs) if asked.logs is not None else ()
    return found + list(machine.check(plan, asked.secrets) if asked.secrets else [])


@dataclass
class _Eyes:
    """Looks at one program after the other; one that does not answer is a finding, and the rest goes on."""

    plan: Plan
    secrets: Path | None = None
    unreachable: list[Finding] = field(default_factory=list)
    seen: Seen = field(init=False)

    def __post_init__(self) -> None:
        self.seen = Seen(plan=self.plan)

    def prometheus(self, url: str) -> None:
        """What is scraped, recorded and loaded."""
        if seen := self._try("Prometheus", "--prometheus", lambda: _by_prometheus(self.seen, url)):
            self.seen = seen

    def exporter(self, url: str) -> None:
        """What the exporter itself says now."""
        address = url if url.rstrip("/").endswith("/metrics") else f"{url.rstrip('/')}/metrics"
        if answer := self._try(EXPORTER, "--exporter", lambda: http.get(address)):
            said = tuple(samples(answer.body))
            ours = {name: [s for s in said if s.name == f"{name}_bucket"] for name in buckets.queries(self.plan)}
            self.seen = replace(
                self.seen,
                exporter=said,
                bounds={**self.seen.bounds, **{name: buckets.bounds(of) for name, of in ours.items() if of}},
                clocks=_clocks(self.seen, EXPORTER, answer.clock),
            )

    def alertmanager(self, url: str) -> None:
        """Which alerts have arrived."""
        answer = self._try("Alertmanager", "--alertmanager", lambda: http.get(f"{url}/-/ready"))
        held = answer and self._try("Alertmanager", "--alertmanager", lambda: http.ask(f"{url}/api/v2/alerts"))
        if answer and isinstance(held, list):
            names = frozenset(str(alert["labels"].get("alertname")) for alert in held)
            self.seen = replace(self.seen, alerts=names, clocks=_clocks(self.seen, "Alertmanager", answer.clock))

    @property
    def _corner(self) -> Corner:
        """With the files of TLS where this machine has them: as written, else among the secrets."""
        ours, tls = self.plan.site.corner, self.plan.site.corner.tls
        return replace(ours, tls=tls.on(self.secrets)) if tls else ours

    def broker(self, variable: str) -> None:
        """Queues and priorities."""
        url = os.environ.get(variable)
        if not url:
            fix = f"export {variable} with the broker's address"
            self.unreachable.append(Finding("unreachable", f"the variable {variable} is not set", fix))
        elif found := self._try(
            "the broker", f"the address in {variable}", lambda: broker.look(url, self._corner, self.plan.site.queues)
        ):
            self.seen = replace(self.seen, broker=found)

    def _try(self, who: str, option: str, look: Callable[[], Found]) -> Found | None:
        try:
            return look()
        except http.Unreachable as error:
            self.unreachable.append(
                Finding("unreachable", f"{who}: {error}", f"see that it runs, and correct {option}")
            )
            return None


def _by_prometheus(seen: Seen, url: str) -> Seen:
    """What Prometheus knows. Raises Unreachable."""
    now = _series(url, "vector(time())")[0].value
    clocks = _clocks(seen, "Prometheus", now)
    up, like = _series(url, "up"), list(map(_target, _series(url, _LIKE_EXPORTER)))
    held = _series(url, f'{rabbitmq.READY.name}{{job="{rabbitmq.JOB}"}}')
    begun = _series(url, f'{worker.START.name}{{job="{worker.JOB}"}} > time() + 5')
    names, job = "|".join(seen.plan.chosen), seen.plan.site.jobs.get(EXPORTER, EXPORTER)
    return replace(
        seen,
        up={_target(s): s.value > 0 for s in up},
        errors=_errors(url),
        native=_native(url, f'{{__name__=~"{"|".join(buckets.queries(seen.plan))}"}}'),
        jobs_with_tasks={job: frozenset(i for j, i in like if j == job) for job, _ in like},
        recorded=frozenset(s.name for s in _series(url, f'{{__name__=~"{names}"}}')),
        bounds={name: buckets.bounds(_series(url, query)) for name, query in buckets.queries(seen.plan).items()},
        vhosts=_by_vhost(held),
        lengths=_queues(seen, url),
        born_later=frozenset(s.labels.get("worker", "?") for s in begun),
        exporter=tuple(_series(url, f'{{job="{job}"}}')) or None,
        rules=rules.loaded(http.ask(f"{url}/api/v1/rules"), seen.plan),
        clocks=clocks,
    )


def _by_vhost(samples: Iterable[Sample]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for one in samples:
        vhost, queue = one.labels.get("vhost", ""), one.labels.get("queue", "")
        found[vhost] = found.get(vhost, frozenset()) | {queue}
    return found


def _queues(seen: Seen, url: str) -> frozenset[str] | None:
    """Queues whose length is recorded; None where there is no length at all, which is told otherwise."""
    ours = _series(url, belonging.narrowed(QUEUE_LENGTH.name, seen.plan.site))
    return frozenset(one.labels.get("queue", "") for one in ours) or None


def _clocks(seen: Seen, who: str, clock: float | None) -> dict[str, float]:
    return {**seen.clocks, **({who: clock - time.time()} if clock else {})}  # noqa: TID251 - clocks are compared here


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


def _errors(url: str) -> dict[tuple[str, str], str]:
    """What Prometheus says of each target whose last scrape failed. Raises Unreachable."""
    answer = http.ask(f"{url}/api/v1/targets", state="active")
    targets = answer.get("activeTargets") if isinstance(answer, Mapping) else None
    found: dict[tuple[str, str], str] = {}
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


def _target(sample: Sample) -> tuple[str, str]:
    return sample.labels.get("job", ""), sample.labels.get("instance", "")
