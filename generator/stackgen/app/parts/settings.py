"""What stack.yaml says, for all parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LogSettings:
    """The JSON lines that workers and beat write."""

    enabled: bool = True
    path: str | None = None
    level: str = "info"
    allow_arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)
    allow_fields: Sequence[str] = ()


@dataclass(frozen=True)
class MetricSettings:
    """The metrics endpoint of each worker."""

    enabled: bool = False
    host: str = "0.0.0.0"
    port: int = 9809
    ports: Sequence[int] = ()
    """Ports of workers that Prometheus scrapes."""


@dataclass(frozen=True)
class BeatSettings:
    """Beat's own endpoint."""

    enabled: bool = False
    host: str = "0.0.0.0"
    port: int = 9811


@dataclass(frozen=True)
class SentrySettings:
    """Errors and traces to Sentry."""

    enabled: bool = False
    dsn_env: str = "SENTRY_DSN"
    traces_sample_rate: float = 0.1
    monitor_beat: bool = False


@dataclass(frozen=True)
class NewRelicSettings:
    """Tasks as background transactions of New Relic."""

    enabled: bool = False


@dataclass(frozen=True)
class Settings:
    """Everything this file takes from stack.yaml."""

    name: str = "celery"
    environment: str = "production"
    app: str = "celery"
    broker: str = "redis"
    broker_url_env: str | None = "CELERY_BROKER_URL"
    broker_url_file: str | None = None
    broker_transport_options: Mapping[str, object] = field(default_factory=dict)
    broker_use_ssl: Mapping[str, object] = field(default_factory=dict)
    queues: Sequence[str] = ()
    duration_buckets: tuple[float, ...] = ()
    wait_buckets: tuple[float, ...] = ()
    logs: LogSettings = field(default_factory=LogSettings)
    metrics: MetricSettings = field(default_factory=MetricSettings)
    beat: BeatSettings = field(default_factory=BeatSettings)
    sentry: SentrySettings = field(default_factory=SentrySettings)
    newrelic: NewRelicSettings = field(default_factory=NewRelicSettings)
    opentelemetry: bool = False


SETTINGS = Settings()
