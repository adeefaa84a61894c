"""plan.json's keys. A field's docstring is its line in the reference page docs/plan.md; all text is for people who read
the file with programs of their own, so a key that goes or means something else raises FORMAT.
"""

from typing import Literal

from pydantic import Field, JsonValue

from stackgen.catalog.series import Unit
from stackgen.catalog.signal import Severity
from stackgen.spec.logs import Shipper
from stackgen.spec.model import Output
from stackgen.spec.part import Part

FORMAT = 1

Section = dict[str, JsonValue]
"""A section of stack.yaml with every default filled in."""


class StackFacts(Part):
    """Which stack this is; every alert carries it."""

    name: str
    """Name of the system that is watched; the label `stack`."""
    environment: str
    """Which copy of the system this is; the label `environment`."""
    owner: str
    """Team that is told when neither the queue nor the task has an owner of its own."""
    labels: dict[str, str]
    """Further labels on every alert; one that tells copies has all its values, with commas, or * for any."""


class AlertFacts(Part):
    """One alert, by `<signal>/<severity>`: when it fires, why, and who is told."""

    signal: str
    """The signal that is judged."""
    severity: Severity
    """How bad it is; critical wakes somebody."""
    alert: str
    """Name of the alert; all severities of a signal share it."""
    title: str
    """What is measured, in words."""
    condition: str
    """When it fires, in words: `above 5000 for 10m`."""
    bad_when: Literal["above", "below"]
    """On which side of the threshold the value is bad."""
    threshold: int | float | None = None
    """The number compared with, in `unit`; null where only `overrides` are judged."""
    unit: Unit
    """Unit of the threshold and of the overrides; ratio is a share from 0 to 1."""
    hold: str = Field(alias="for")
    """How long the condition must hold before the alert fires, such as 10m."""
    keep_firing_for: str
    """How long the alert keeps firing after its condition ended."""
    overrides: dict[str, int | float]
    """Thresholds of single queues or tasks, in `unit`."""
    own: dict[str, dict[str, JsonValue]]
    """Further numbers of single queues or tasks: for, keep_firing_for, min_tasks, min_failures; `never` is true of one
    that this severity does not judge."""
    guards: dict[str, int]
    """Least traffic below which the alert stays silent, such as min_tasks; 0 is any."""
    origins: dict[str, str]
    """Where each number comes from: its place in stack.yaml, among several files with file and line, a section of the
    guide, or `ours`."""
    by: list[str]
    """Labels that tell one firing alert from another, such as queue."""
    owner: str
    """Team that is told unless the queue or task has an owner of its own."""
    receiver: str | None = None
    """Receiver that is told unless `routes` says otherwise; null where Alertmanager never hears of the alert."""
    silenced_by: list[str]
    """What keeps it quiet while its condition holds: other alerts, or a query that has a result."""
    sources: list[str]
    """Sources that it is read from; of the logs, shippers whose backends judge."""
    value: str | None = None
    """What is compared with the threshold: a recorded series or a selector; null for what is read from the logs."""
    series: list[str]
    """Recorded series, keys of `series`, that the value is made of."""
    runbook_url: str
    """Page that says what to do."""
    dashboard_url: str
    """Dashboard that shows it."""


class OffFacts(Part):
    """One signal without alerts, by its name."""

    alert: str
    """Name of the alert that it would have."""
    reason: str
    """Why it is not judged."""
    hint: str
    """What would help; empty when nothing is known."""


class SourceFacts(Part):
    """One program that is scraped, by its name; where two measure a thing, the one that stands first is believed."""

    title: str
    """What it is."""
    version: str
    """Version whose behaviour is known and expected; empty where it has none of its own."""
    job: str
    """Name of its scrape job."""
    targets: list[str]
    """Where it is scraped, host:port each."""
    path: str
    """Path of the metrics."""
    series: list[str]
    """Recorded series that are read from it."""
    brought_by: str
    """Part of the logs that brings it along, where `sources` of stack.yaml does not list it; else empty."""


class SeriesFacts(Part):
    """One recorded series, by its name."""

    source: str
    """Source that it is read from."""
    others: list[str]
    """Sources that are asked as well, for those before them may say too little; the largest number holds."""
    meaning: str
    """What it says."""
    unit: Unit
    """Unit of its value."""
    labels: list[str]
    """Labels that tell its values apart, besides those of the stack."""
    metrics: list[str]
    """The source's own metrics that it is computed from."""


class QueueFacts(Part):
    """One queue that is watched, by its name."""

    role: Literal["normal", "dead_letter"]
    """dead_letter: nobody consumes it, and one task in it is a finding."""
    owner: str
    """Team that is told about it."""
    min_workers: int | None = None
    """Least number of workers that must consume it; null: one is enough."""


class TaskFacts(Part):
    """One task that stack.yaml names, by its name."""

    owner: str
    """Team that is told about it."""
    period: str | None = None
    """It must succeed at least once in this time; null for a task that is not periodic."""


class ReceiverBySeverity(Part):
    """Who is told of which severity; `nobody` is the receiver that tells nobody."""

    critical: str
    """Receiver of severity critical."""
    warning: str
    """Receiver of severity warning."""
    info: str
    """Receiver of severity info."""


class RouteFacts(Part):
    """Who is told: the queue's receiver, else the owner's, else the default."""

    default: ReceiverBySeverity
    """Receivers of alerts that nothing below sends elsewhere."""
    owners: dict[str, ReceiverBySeverity]
    """Receivers of an owner's alerts."""
    queues: dict[str, ReceiverBySeverity]
    """Receivers of alerts about a queue."""
    watchdog: str
    """Receiver of the alert that always fires."""


class PaceFacts(Part):
    """How alerts of one severity are gathered into messages."""

    group_by: list[str]
    """Alerts that agree in these labels share one message."""
    group_wait: str
    """How long the first message of a group waits for further alerts."""
    group_interval: str
    """Least time between two messages about a group that changed."""
    repeat_interval: str
    """Time after which an unchanged group is told again."""


class MuteFacts(Part):
    """A time in which some alerts are not told, by its name."""

    weekdays: list[str] | None = None
    """Days on which it holds; null: every day."""
    times: list[str] | None = None
    """Times of those days; null: all day."""
    location: str
    """Time zone of the times."""
    severities: list[Severity]
    """Severities that are muted."""
    owners: list[str] | None = None
    """Only alerts of these owners; null: all."""
    queues: list[str] | None = None
    """Only alerts about these queues; null: all alerts."""


class PlanFile(Part):
    """The whole of plan.json: what is judged on this stack, with every number and where it comes from."""

    format: int
    """Version of this file's form; it rises when a key goes or means something else."""
    stack: StackFacts
    """Which stack this is."""
    alerts: dict[str, AlertFacts]
    """Every alert, by signal and severity."""
    off: dict[str, OffFacts]
    """Signals that are not judged, and why."""
    queues: dict[str, QueueFacts]
    """Queues that are watched."""
    tasks: dict[str, TaskFacts]
    """Tasks that stack.yaml names."""
    sources: dict[str, SourceFacts]
    """Programs that are scraped, the preferred one first."""
    series: dict[str, SeriesFacts]
    """Recorded series, which alerts and dashboards read."""
    groups: dict[str, str]
    """Groups of rules with an interval of their own, and how often they are evaluated; all others follow Prometheus."""
    shippers: list[Shipper]
    """Programs that send the logs."""
    receivers: dict[str, Section]
    """Who can be told: name, then way, then its settings. Of a secret only the file's path stands here."""
    routes: RouteFacts
    """Who is told."""
    timing: dict[Severity, PaceFacts]
    """How alerts are gathered into messages, by severity."""
    mute_times: dict[str, MuteFacts]
    """Times in which some alerts are not told."""
    celery: Section
    """The section of stack.yaml."""
    prometheus: Section
    """The section of stack.yaml: intervals, and where Prometheus and the Alertmanagers are."""
    ignore: Section
    """The section of stack.yaml: what is not judged."""
    links: Section
    """The section of stack.yaml: addresses that alerts point to."""
    flower: Section
    """The section of stack.yaml."""
    app: Section
    """The section of stack.yaml: celery_monitoring.py."""
    logs: Section | None = None
    """The section of stack.yaml; null: logs are not read."""
    compose: Section
    """The section of stack.yaml: docker-compose.yml."""
    kubernetes: Section | None = None
    """The section of stack.yaml; null: no objects are made."""
    versions: Section
    """The section of stack.yaml: other versions of programs."""
    outputs: list[Output]
    """Kinds of output that are generated; this file always is."""
