"""What a person may write in stack.yaml. A field's docstring is editor help and reference page."""

from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field, model_validator

from stackgen.catalog.signal import Severity
from stackgen.outputs import KINDS, NAMED_ONLY
from stackgen.spec.alerting import Alerting, AlertingSection, Weekday
from stackgen.spec.app import App
from stackgen.spec.celery import Celery
from stackgen.spec.kubernetes import Kubernetes
from stackgen.spec.logs import Logs
from stackgen.spec.names import (
    HostPort,
    LabelName,
    LabelValue,
    OwnerName,
    PathOrUrl,
    QueueName,
    Slug,
    TaskName,
    Url,
    VersionTag,
)
from stackgen.spec.part import ITEMS, SECTION, Part
from stackgen.spec.scalars import Duration, Limit, Quantity, between
from stackgen.spec.services import Compose, Flower, GrafanaManaged
from stackgen.spec.sources import SourceSpec

Service = Literal["grafana", "prometheus", "alertmanager"]
if TYPE_CHECKING:
    Output = str
else:
    Output = Literal[KINDS]  # exactly the kinds that exist

_Section, _Items = SECTION, ITEMS


Shared = Literal["prometheus", "alertmanager", "grafana"]
SHARED: tuple[Shared, ...] = get_args(Shared)


class Stack(Part):
    """The stack's name and what every alert carries."""

    name: Slug
    """Short name of the system that is watched; it becomes the label `stack` and part of file names."""
    environment: Slug = "production"
    """Which copy of the system this is, such as production or staging; it becomes the label `environment`."""
    owner: OwnerName = "platform"
    """Team that is told when neither the queue nor the task has an owner of its own."""
    labels: Annotated[dict[LabelName, LabelValue], _Section] = {}
    """Further labels on every alert: name and text. The names that alerts already use are refused."""
    copies: Annotated[dict[LabelName, Annotated[list[LabelValue], _Items]], _Section] = {}
    """Labels that tell copies of this stack in one Prometheus, such as cluster, with their values: {cluster: [eu, us]}.
    Each copy is judged by itself. Without values ({cluster: }) a copy is one that was scraped within the last day."""


class SeveritySpec(Part):
    """When a signal has this severity. A bare number is short for `{threshold: number}`; never switches it off."""

    limit: Limit | None = Field(default=None, alias="threshold")
    """The number compared with, in the signal's unit: 1000, 5%, 10m or 10/s; or never."""
    hold: Annotated[Duration, between("0s", "7d")] | None = Field(default=None, alias="for")
    """How long the threshold must be crossed before the alert fires, at most 7d."""
    keep_firing_for: Annotated[Duration, between("0s", "7d")] | None = None
    """How long the alert keeps firing after the threshold is no longer crossed, at most 7d."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: object) -> object:
        return {"threshold": value} if isinstance(value, str | int | float) else value

    @property
    def never(self) -> bool:
        """Whether this severity is switched off."""
        return self.limit == "never"

    @property
    def threshold(self) -> Quantity | None:
        """The threshold the user set, if any."""
        return None if self.limit == "never" else self.limit


class ThresholdSpec(Part):
    """How one signal is judged. What is absent has the default of the signal's reference page; below a queue or task,
    what `thresholds` says."""

    enabled: bool = True
    """Whether the signal has alerts at all; its panels stay."""
    info: SeveritySpec | None = None
    """Severity info: seen in dashboards and reports, wakes nobody."""
    warning: SeveritySpec | None = None
    """Severity warning: somebody looks in working hours."""
    critical: SeveritySpec | None = None
    """Severity critical: somebody is woken."""
    hold: Annotated[Duration, between("0s", "7d")] | None = Field(default=None, alias="for")
    """How long the threshold must be crossed before the alert fires, for every severity without its own."""
    keep_firing_for: Annotated[Duration, between("0s", "7d")] | None = None
    """How long the alert keeps firing after the threshold is no longer crossed, for every severity without its own."""
    min_tasks: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """Fewest finished tasks in the window; with fewer, a ratio says nothing and the alert stays silent."""
    min_failures: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """Fewest failures in the window; with fewer, the alert stays silent."""

    def severity(self, name: Severity) -> SeveritySpec | None:
        """What the user wrote for one severity."""
        return {"info": self.info, "warning": self.warning, "critical": self.critical}[name]


class QueueSpec(Part):
    """One queue that is watched, or all that a pattern means."""

    role: Literal["normal", "dead_letter"] = "normal"
    """normal: workers consume it. dead_letter: nobody does, and one task in it is a finding."""
    min_workers: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Least number of workers that must consume this queue; absent means that one is enough."""
    owner: OwnerName | None = None
    """Team that is told about this queue; absent means the stack's owner."""
    thresholds: Annotated[dict[str, Annotated[ThresholdSpec, _Section]], _Section] = {}
    """Other numbers for this queue, in the form of the section `thresholds`, which says the rest."""


class TaskSpec(Part):
    """One task that is watched more closely than the rest, or all that a pattern means."""

    period: Annotated[Duration, between("1m", "31d")] | None = None
    """The task must succeed at least once in this time, from 1m to 31d; for periodic tasks. One that runs several times
    as often is told too."""
    weekdays: Annotated[list[Weekday], Field(min_length=1)] | None = None
    """Days on which it runs, in UTC: the others do not count towards its period. Absent means every day."""
    expires: Literal["wanted", "lost"] = "lost"
    """What it means when the task expires or is revoked before it runs. lost: its work is lost, as by a failure.
    wanted: nobody needs it any more."""
    owner: OwnerName | None = None
    """Team that is told about this task; absent means the stack's owner."""
    thresholds: Annotated[dict[str, Annotated[ThresholdSpec, _Section]], _Section] = {}
    """Other numbers for this task, in the form of the section `thresholds`, which says the rest."""


class Ignore(Part):
    """What is not judged. Exact names, or with one * at the start or the end."""

    tasks: Annotated[list[TaskName], _Items] = []
    """Tasks, such as shop.debug.*, that no recorded series holds: no alert and no panel of ours sees them; what the
    sources expose stays in Prometheus."""
    queues: Annotated[list[QueueName], _Items] = []
    """Queues, such as *.pidbox, that no recorded series holds, nor what passes through them; see `tasks`."""
    unlisted_queues: bool = False
    """Whether queues that `queues` does not list are left alone: their length, workers and waiting times are not
    judged. Tasks that pass through them are."""


class Prometheus(Part):
    """How often Prometheus looks, and where it and Alertmanager are."""

    scrape_interval: Annotated[Duration, between("10s", "75s")] = Duration.of("30s")
    """Time between two scrapes of a target, from 10s to 75s; four must fit into the window of 5 minutes."""
    evaluation_interval: Annotated[Duration, between("10s", "1m")] = Duration.of("30s")
    """Time between two evaluations of a rule, from 10s to 1m."""
    slow_interval: Annotated[Duration, between("10s", "2m")] | None = None
    """The same of losses and periods of tasks; absent means 2m, or half of the shortest `for` among them. Durations of
    tasks wait for twice as long, or half of the shortest `for` among them."""
    address: HostPort = "prometheus:9090"
    """Where Grafana reaches Prometheus; it scrapes itself at the same port of localhost."""
    alertmanagers: Annotated[list[HostPort], Field(min_length=1)] = ["alertmanager:9093"]
    """Every Alertmanager that is told and scraped; Grafana asks the first."""


class Links(Part):
    """Addresses that alerts point to."""

    grafana: Url | None = None
    """Grafana as people reach it in a browser; absent means docker-compose's port on this machine."""
    prometheus: Url | None = None
    """Prometheus as people reach it; absent means docker-compose's port on this machine."""
    alertmanager: Url | None = None
    """Alertmanager as people reach it; absent means docker-compose's port on this machine."""
    runbooks: PathOrUrl = "output/runbooks"
    """Where the runbooks are read: a path in the repository, or an address."""


class StackSpec(Part):
    """The whole of stack.yaml."""

    version: Literal[1]
    """Version of this file's format; always 1."""
    stack: Stack
    """The stack's name and what every alert carries."""
    celery: Celery
    """The Celery application that is watched."""
    queues: Annotated[dict[QueueName, Annotated[QueueSpec, _Section]], _Section, Field(min_length=1)]
    """Every queue that is watched, dead letter queues too: name, then settings; no settings is fine. A * at the start
    or end means any text: tenant-*. A queue has the settings of its own name, else of the longest pattern, else none.
    """
    tasks: Annotated[dict[TaskName, Annotated[TaskSpec, _Section]], _Section] = {}
    """Tasks with settings of their own; all other tasks are watched with the defaults. Patterns such as shop.tasks.*
    as for queues."""
    thresholds: Annotated[dict[str, Annotated[ThresholdSpec, _Section]], _Section] = {}
    """How signals are judged: signal, then settings. `stackgen list` shows the signals."""
    ignore: Annotated[Ignore, _Section] = Ignore.model_construct()
    """What is not judged."""
    sources: Annotated[list[SourceSpec], Field(min_length=1)] = [SourceSpec.model_construct(name="celery-exporter")]
    """Programs that expose the metrics, the preferred one first."""
    prometheus: Annotated[Prometheus, _Section] = Prometheus.model_construct()
    """How often Prometheus looks, and where it and Alertmanager are."""
    links: Annotated[Links, _Section] = Links.model_construct()
    """Addresses that alerts point to."""
    alerting: AlertingSection = Alerting.model_construct()
    """Who is told of which alert, how often, and when not; absent means that nobody is told."""
    flower: Annotated[Flower, _Section] = Flower.model_construct()
    """Flower, the web interface of Celery."""
    app: Annotated[App, _Section] = App.model_construct()
    """celery_monitoring.py, the file that stands beside the Celery application."""
    logs: Logs | None = None
    """Where the workers' logs are read and sent; absent means that they are not."""
    compose: Annotated[Compose, _Section] = Compose.model_construct()
    """The generated docker-compose.yml."""
    grafana_managed: Annotated[GrafanaManaged, _Section] = GrafanaManaged.model_construct()
    """Rules that Grafana evaluates itself; only where `outputs` names grafana_managed."""
    kubernetes: Annotated[Kubernetes, _Section] = Kubernetes.model_construct()
    """Objects for a cluster with the Prometheus Operator; only where `outputs` names kubernetes."""
    shared: list[Shared] | None = None
    """Which of prometheus, alertmanager and grafana others run, for other stacks too: they get parts to merge, and are
    not judged. Absent means none; where `outputs` lists neither compose nor alertmanager, or kubernetes, all three."""
    outputs: list[Output] | None = None
    """Kinds of output to generate; absent means all but grafana_managed, kubernetes, mimir, thanos, vmalert."""
    versions: Annotated[dict[str, VersionTag], _Section] = {}
    """Other versions of the programs in the generated files: component, then version or image tag in quotes."""

    def wants(self, output: str) -> bool:
        """Whether this kind of output is generated."""
        return output in self.kinds

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of output that is generated."""
        return tuple(self.outputs) if self.outputs else tuple(kind for kind in KINDS if kind not in NAMED_ONLY)

    def shares(self, program: str) -> bool:
        """Whether others run this program of the stack."""
        if self.shared is None:
            ours = self.wants("compose") or self.wants("alertmanager")
            return program in SHARED and (self.wants("kubernetes") or not ours)
        return program in self.shared

    @property
    def is_routed(self) -> bool:
        """Whether Alertmanager's routes and inhibition are generated."""
        return self.wants("alertmanager") or (self.wants("kubernetes") and self.kubernetes.routing != "none")

    @property
    def grafana_notifies(self) -> bool:
        """Whether Grafana's contact points and policies are generated."""
        wanted = self.grafana_managed.notifies
        return self.wants("grafana_managed") and (not self.is_routed if wanted is None else wanted)

    @property
    def namespace(self) -> str:
        """The namespace of everything on Kubernetes; "" elsewhere."""
        return (self.kubernetes.namespace or self.stack.name) if self.wants("kubernetes") else ""

    @property
    def workers_serve(self) -> bool:
        """Whether each worker serves its metrics."""
        wanted = self.app.metrics.enabled
        return any(source.name == "worker" for source in self.sources) if wanted is None else wanted

    @property
    def beat_serves(self) -> bool:
        """Whether beat serves its metrics."""
        return any(source.name == "beat" for source in self.sources)

    def reached(self, service: Service) -> str:
        """The address at which people reach a web interface, without a slash at the end."""
        written: str | None = getattr(self.links, service)
        return written.rstrip("/") if written else f"http://localhost:{getattr(self.compose.ports, service)}"
