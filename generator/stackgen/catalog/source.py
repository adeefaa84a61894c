"""The shape of a source: an exporter, the metrics it really exposes, and how canonical series are read from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from stackgen.catalog.images import Image
from stackgen.catalog.launch import Launch
from stackgen.catalog.series import Series
from stackgen.catalog.site import Fact, Site
from stackgen.catalog.timeline import Counter, Gauge, Input, Segment

MetricType = Literal["counter", "gauge", "histogram", "untyped"]
FILLED_IN = {"task": "app.tasks.any", "queue": "celery"}
"""What a source's own labels say in a test that says nothing of them."""


@dataclass(frozen=True)
class Metric:
    """One metric family as the exporter exposes it; a histogram is named without _bucket, _sum or _count."""

    name: str
    type: MetricType
    labels: tuple[str, ...]
    born: Literal["zero", "first value"] = "zero"
    """Where a new counter series starts. Born at its first value, `increase` misses that value."""
    lifetime: int | None = None
    """Seconds a series outlives what it describes; None: for ever. An alert that waits longer can never fire."""
    since: str = ""
    """First version that has it; "" for all we support."""
    newer: tuple[str, ...] = ()
    """Labels that later versions add, each of which makes several series of one."""
    always: bool = False
    """Whether its source gives it whenever it is up, so that its absence is a fault."""


@dataclass(frozen=True)
class RecordingRule:
    """One recording rule of a reading: the expression and the labels the rule adds."""

    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """A second page of a source, scraped as a job of its own; what is kept of it has the label `job` of the source."""

    job: str
    path: str
    keeps: str
    """Regular expression for the names of metrics: all others are dropped."""


Stimulus = Callable[[Site, Mapping[str, str], tuple[Segment, ...], int], list[Input]]
"""What a test feeds to make a canonical series say a value: (site, labels, segments, step seconds) -> input series."""


@dataclass(frozen=True)
class Reading:
    """How one source computes one canonical series."""

    series: Series
    uses: tuple[Metric, ...]
    rules: Callable[[Site], tuple[RecordingRule, ...]]
    stimulus: Stimulus
    spoiled_by: Mapping[Fact, str] = field(default_factory=dict)
    """Facts under which this reading is wrong, each with the reason a user is told."""
    at_least: Mapping[Fact, str] = field(default_factory=dict)
    """Facts under which it can only be too small, each with the reason: then the next source is asked as well, and the
    larger number holds."""
    reads: tuple[Series, ...] = ()
    """Recorded series of other groups that its rules read."""
    survives: bool = False
    """True when the series goes on as 0 after metrics with a lifetime are gone, so that an alert may wait for ever."""
    caveat: str = ""
    """A known inaccuracy, printed by `explain` and in the runbook."""
    misses: tuple[str, ...] = ()
    """What it can never see of the series: of several sources the one that misses least is read."""
    late: int = 0
    """Seconds from the fact to its sample, beyond a scrape: of two that miss as little the fresher is read."""

    @property
    def inaccuracy(self) -> str:
        """The caveat, and what it misses."""
        missed = f"It does not see {' or '.join(self.misses)}." if self.misses else ""
        return f"{self.caveat} {missed}".strip()


@dataclass(frozen=True)
class Source:
    """One exporter or endpoint that Prometheus scrapes."""

    id: str
    title: str
    job: str
    target: str
    link: str
    """Where its behaviour is documented."""
    metrics: tuple[Metric, ...]
    readings: tuple[Reading, ...]
    taken: tuple[tuple[str, str], ...] = ()
    """The counters of events that a worker sends when it takes a task, each with a matcher, which may be ""."""
    working: str = ""
    """The gauge of tasks that a worker works on, as its heartbeat says it, also of workers that send no task events."""
    path: str = "/metrics"
    params: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keeps: str | None = None
    """Regular expression for the names of metrics: all others of its page are dropped; None drops none."""
    beside: Endpoint | None = None
    versions: Mapping[str, Image] = field(default_factory=dict)
    """Version -> container image; the first is the default."""
    broker: Literal["redis", "rabbitmq", ""] = ""
    """The only broker it understands; "" for any."""
    cannot: Mapping[Fact, str] = field(default_factory=dict)
    """Facts under which its program, as we start it, cannot work at all, each with the reason: it is left out."""
    vhost_param: str = ""
    """The parameter of a scrape that narrows it to a virtual host; "" when it has none."""
    match: str = ""
    """Default wildcard for the names of workers among what it measures; "" when it measures workers only."""
    part: Literal["worker", "beat", ""] = ""
    """The part of the application that the target is: a target that is down is a worker, or beat, that is down."""
    always: bool = False
    """True for parts of the stack itself, scraped whatever stack.yaml lists."""
    brought_by: Literal["alloy", "loki", ""] = ""
    """What in `logs` brings it along: then it is scraped without being listed, and where it does not run nobody is
    told, for its profile may be off; "" when it is scraped because it is listed."""
    advice: str = ""
    """What to do so that it has the bucket bounds that were generated for it."""
    names_by_comma: bool = False
    """Whether it is given the names of queues in one text, separated by commas."""
    output: str = ""
    """The kind of output that configures and starts it, scraped or not; "" when it is started because it is listed."""
    launch: Callable[[Site, str], Launch] | None = None
    """How this version is started; None for what others start, or what the kind of output above starts its own way."""

    def off(self, site_facts: Iterable[Fact]) -> str:
        """Why its program, as we start it, cannot work on a stack with these facts; "" when it can."""
        return next((self.cannot[fact] for fact in site_facts if fact in self.cannot), "")

    @property
    def is_central(self) -> bool:
        """Whether copies of a stack have one together, so that it has none of their labels."""
        return self.always or self.brought_by == "loki"

    @property
    def host(self) -> str:
        """The name of its container."""
        return self.target.rpartition(":")[0]

    @property
    def port(self) -> int:
        """Where it answers, unless stack.yaml says otherwise."""
        return int(self.target.rpartition(":")[2])


def base_labels(source_job: str, site: Site, instance: str = "") -> dict[str, str]:
    """The labels Prometheus itself puts on every scraped series."""
    return {"job": source_job, "instance": instance or f"{source_job}:1"}


def gauge(job: str, metric: Metric, labels: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Stimulus:
    """A stimulus for a series that is read from one gauge as it is."""

    def feed(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
        del step
        named = {label: site.spared(label, text) for label, text in labels(canonical).items()}
        return [Gauge(metric.name, {**base_labels(job, site), **named}, segments)]

    return feed


def counter(job: str, name: str, labels: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Stimulus:
    """A stimulus for a flow that is read from one counter; segments are events per step."""

    def feed(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
        del step
        return [Counter(name, {**base_labels(job, site), **labels(canonical)}, segments)]

    return feed
