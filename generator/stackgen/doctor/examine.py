"""Gathers what is seen of the running stack, then lets every check look at it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from stackgen.catalog.corner import Corner
from stackgen.doctor import (
    audit,
    broker,
    buckets,
    corner,
    cost,
    events,
    http,
    logs,
    machine,
    operator,
    prometheus,
    queues,
    scraped,
    settings_seen,
)
from stackgen.doctor.exposition import samples
from stackgen.doctor.finding import Finding
from stackgen.doctor.seen import EXPORTER, Seen, clocks
from stackgen.resolve.plan import Plan

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
    audit: bool = False
    """Whether the settings of workers and broker are looked at too."""
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
        if asked.audit:
            eyes.settings(asked.broker)
    seen = eyes.seen
    found = [*eyes.unreachable, *scraped.check(seen), *events.check(seen), *buckets.check(seen), *cost.check(seen)]
    found += [*operator.check(seen), *events.priorities(seen)]
    found += [*queues.check(seen), *corner.check(seen), *audit.check(eyes.audited)]
    found += logs.check(plan, asked.logs) if asked.logs is not None else ()
    return found + list(machine.check(plan, asked.secrets) if asked.secrets else [])


@dataclass
class _Eyes:
    """Looks at one program after the other; one that does not answer is a finding, and the rest goes on."""

    plan: Plan
    secrets: Path | None = None
    unreachable: list[Finding] = field(default_factory=list)
    seen: Seen = field(init=False)
    audited: settings_seen.Settings = field(default_factory=settings_seen.Settings)

    def __post_init__(self) -> None:
        self.seen = Seen(plan=self.plan)

    def prometheus(self, url: str) -> None:
        """What is scraped, recorded and loaded."""
        if seen := self._try("Prometheus", "--prometheus", lambda: prometheus.look(self.seen, url)):
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
                clocks=clocks(self.seen, EXPORTER, answer.clock),
            )

    def alertmanager(self, url: str) -> None:
        """Which alerts have arrived."""
        answer = self._try("Alertmanager", "--alertmanager", lambda: http.get(f"{url}/-/ready"))
        held = answer and self._try("Alertmanager", "--alertmanager", lambda: http.ask(f"{url}/api/v2/alerts"))
        if answer and isinstance(held, list):
            ours = self.plan.site.identity.items()
            names = frozenset(str(a["labels"].get("alertname")) for a in held if ours <= a["labels"].items())
            self.seen = replace(self.seen, alerts=names, clocks=clocks(self.seen, "Alertmanager", answer.clock))

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

    def settings(self, variable: str) -> None:
        """How workers and broker are set."""
        if url := os.environ.get(variable):
            found = self._try("the workers", "--broker", lambda: settings_seen.look(url, self._corner))
            self.audited = found or self.audited

    def _try(self, who: str, option: str, look: Callable[[], Found]) -> Found | None:
        try:
            return look()
        except http.Unreachable as error:
            self.unreachable.append(
                Finding("unreachable", f"{who}: {error}", f"see that it runs, and correct {option}")
            )
            return None
