"""What a person may write in stack.yaml about celery_monitoring.py, the file that stands beside the Celery app."""

from typing import Annotated, Literal

from stackgen.spec.names import AbsPath, ArgumentName, EnvName, FieldName, IpAddress, ServiceName, TaskName
from stackgen.spec.part import ITEMS, SECTION, Part
from stackgen.spec.scalars import Share
from stackgen.spec.services import Port


class AppLogs(Part):
    """The JSON lines that workers and beat write."""

    enabled: bool = True
    """Whether workers and beat write JSON lines; off leaves Celery's own logging as it is."""
    path: AbsPath | None = None
    """File the lines are appended to; absent means standard output. `celery --logfile` wins over it."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is written; `celery --loglevel`, when it is given, wins over it."""
    allow_arguments: Annotated[dict[TaskName, Annotated[list[ArgumentName], ITEMS]], SECTION] = {}
    """Arguments that may be logged: task, then names of arguments. All others, and results, are never logged."""
    allow_fields: Annotated[list[FieldName], ITEMS] = []
    """Fields of the application's own records (`extra`, structlog, loguru) that are written, in `labels`; no others."""


class AppMetrics(Part):
    """The metrics endpoint of each worker."""

    enabled: bool | None = None
    """Whether each worker serves its metrics; absent means yes where `worker` is among the sources."""
    host: IpAddress | None = None
    """Address that the endpoint listens on; absent: 127.0.0.1 if all targets of `worker` are on localhost, else all."""
    port: Port = 9809
    """Port of the endpoint, from 1024. Further workers of a host take the next free one and say which."""


class AppBeat(Part):
    """The endpoint of beat, which tells of its schedule. It is served where `beat` is among the sources."""

    host: IpAddress | None = None
    """Address that the endpoint listens on; absent: 127.0.0.1 if all targets of `beat` are on localhost, else all."""
    port: Port = 9811
    """Port of the endpoint, from 1024."""


class Sentry(Part):
    """Errors and traces to Sentry; the workers then need sentry-sdk."""

    enabled: bool = False
    """Whether workers and beat report to Sentry."""
    dsn_env: EnvName = "SENTRY_DSN"
    """Environment variable that holds the DSN; while it is empty nothing is reported."""
    traces_sample_rate: Share = 0.1
    """Share of the tasks that are traced, such as 0.1 or 10%."""
    monitor_beat: bool = False
    """Whether each entry of beat's schedule becomes a monitor in Sentry, which notices runs that are missed."""


class NewRelic(Part):
    """Tasks as background transactions of New Relic; the workers then need newrelic."""

    enabled: bool = False
    """Whether newrelic.ini is written, and a worker that runs without the agent says so."""
    app_name: ServiceName | None = None
    """Name of the application in New Relic; absent: name-environment. NEW_RELIC_LICENSE_KEY holds the licence key."""


class OpenTelemetry(Part):
    """Traces of tasks; the workers then need opentelemetry-sdk and opentelemetry-instrumentation-celery."""

    enabled: bool = False
    """Whether tasks are traced and log lines carry trace.id and span.id; OTEL_ variables say how traces are sent."""


class App(Part):
    """celery_monitoring.py, the file that stands beside the Celery application."""

    logs: Annotated[AppLogs, SECTION] = AppLogs.model_construct()
    """The JSON lines that workers and beat write."""
    metrics: Annotated[AppMetrics, SECTION] = AppMetrics.model_construct()
    """The metrics endpoint of each worker."""
    beat: Annotated[AppBeat, SECTION] = AppBeat.model_construct()
    """The endpoint of beat, which tells of its schedule. It is served where `beat` is among the sources."""
    sentry: Annotated[Sentry, SECTION] = Sentry.model_construct()
    """Errors and traces to Sentry."""
    newrelic: Annotated[NewRelic, SECTION] = NewRelic.model_construct()
    """Tasks as background transactions of New Relic."""
    opentelemetry: Annotated[OpenTelemetry, SECTION] = OpenTelemetry.model_construct()
    """Traces of tasks, and their ids in the log lines."""
