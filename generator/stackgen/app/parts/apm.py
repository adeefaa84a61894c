"""Sentry, New Relic and OpenTelemetry, each only where stack.yaml switches it on; none of them can stop a worker."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

from stackgen.app.parts.lines import Fields
from stackgen.app.parts.sentry import SentryReports, without_library_records
from stackgen.app.parts.settings import Settings
from stackgen.app.parts.told import OWN_LOGGER


class Services:
    """The services that are switched on, and what went wrong with them before there was a log."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._problems: list[str] = []
        self._told: set[str] = set()
        self._spans: Any = None
        self._exporter = ""

    def install(self) -> None:
        """Connects the services to the start of workers, of their processes, and of beat."""
        from celery import signals  # type: ignore[import-untyped, unused-ignore]

        if self._settings.sentry.enabled:
            for start in (signals.celeryd_init, signals.worker_process_init, signals.beat_init):
                start.connect(self._sentry, weak=False, dispatch_uid="celery_monitoring.sentry")
        if self._settings.newrelic.enabled:
            signals.celeryd_after_setup.connect(self._newrelic, weak=False, dispatch_uid="celery_monitoring.newrelic")
        if self._settings.opentelemetry:
            self._opentelemetry()
        for start in (signals.celeryd_after_setup, signals.beat_init):
            start.connect(self._tell, weak=False, dispatch_uid="celery_monitoring.problems")

    def trace_fields(self) -> Fields:
        """ECS `trace` and `span` of what runs now; empty when nothing is traced."""
        if self._spans is None:
            return {}
        context = self._spans.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace": {"id": f"{context.trace_id:032x}"}, "span": {"id": f"{context.span_id:016x}"}}

    def _tell(self, **_: object) -> None:
        for problem in self._problems:
            if problem not in self._told:
                self._told.add(problem)
                OWN_LOGGER.error("%s", problem)

    def _imported(self, name: str, package: str) -> Any:
        try:
            return importlib.import_module(name)
        except ImportError:
            self._problems.append(f"stack.yaml switches on what is not installed here: pip install {package}")
            return None

    def _sentry(self, **_: object) -> None:
        settings = self._settings.sentry
        dsn = os.environ.get(settings.dsn_env, "").strip()
        if not dsn:
            return
        sdk = self._imported("sentry_sdk", "sentry-sdk")
        if sdk is None or sdk.get_client().is_active():  # a forked process has its parent's client
            return
        celery = importlib.import_module("sentry_sdk.integrations.celery")
        reports = SentryReports(sdk)
        try:
            sdk.init(
                dsn=dsn,
                environment=self._settings.environment,
                integrations=[celery.CeleryIntegration(monitor_beat_tasks=settings.monitor_beat)],
                traces_sample_rate=settings.traces_sample_rate,
                send_default_pii=False,
                include_local_variables=False,
                before_send=reports.before_send,
                before_breadcrumb=without_library_records,
            )
            reports.connect()
        except ValueError:  # BadDsn
            self._problems.append(f"Sentry is off: {settings.dsn_env} holds no DSN such as https://key@host/1")

    def _newrelic(self, **_: object) -> None:
        """The agent must run before Celery is imported, so all that is left to do here is to say when it does not."""
        if not os.environ.get("NEW_RELIC_LICENSE_KEY") and not os.environ.get("NEW_RELIC_DEVELOPER_MODE"):
            self._problems.append("New Relic is off: NEW_RELIC_LICENSE_KEY is not set")
        if self._imported("newrelic", "newrelic") is not None and not os.environ.get("NEW_RELIC_ADMIN_COMMAND"):
            self._problems.append(
                "New Relic is off: start the worker with "
                "NEW_RELIC_CONFIG_FILE=newrelic.ini newrelic-admin run-program celery -A app worker"
            )

    def _opentelemetry(self) -> None:
        from celery import signals  # type: ignore[import-untyped, unused-ignore]

        self._spans = self._imported("opentelemetry.trace", "opentelemetry-sdk")
        celery = self._imported("opentelemetry.instrumentation.celery", "opentelemetry-instrumentation-celery")
        if self._spans is None or celery is None:
            return
        self._exporter = self._chosen_exporter()
        # Before our own signal handlers are connected, so that the span is there when they write; in programs that
        # send tasks too. The exporter's thread would not survive a fork, so it starts in the pool's processes.
        celery.CeleryInstrumentor().instrument()
        signals.worker_process_init.connect(self._export, weak=False, dispatch_uid="celery_monitoring.spans")
        signals.celeryd_after_setup.connect(self._export_unforked, weak=False, dispatch_uid="celery_monitoring.spans")

    def _chosen_exporter(self) -> str:
        """The package that sends spans as the OTEL_ variables say; "" when none can, and then why is a problem."""
        kind = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
        if kind != "otlp":
            if kind != "none":
                self._problems.append(
                    f"no span is sent: OTEL_TRACES_EXPORTER is {kind}, and only otlp or none is known"
                )
            return ""
        protocol = _first_set("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
        name = {"http/protobuf": "http", "grpc": "grpc"}.get(protocol)
        if name is None:
            self._problems.append(f"no span is sent: the OTLP protocol is {protocol}, not grpc or http/protobuf")
            return ""
        package = f"opentelemetry.exporter.otlp.proto.{name}"
        try:
            found = importlib.util.find_spec(package)  # not imported: gRPC does not survive a fork
        except ImportError:
            found = None
        if found is None:
            needed = f"opentelemetry-exporter-otlp-proto-{name}"
            self._problems.append(
                f"no span is sent: stack.yaml switches on what is not installed here: pip install {needed}"
            )
            return ""
        return package

    def _export_unforked(self, instance: Any = None, **_: object) -> None:
        if not instance.pool_cls.__module__.endswith(".prefork"):
            self._export()
            self._tell()

    def _export(self, **_: object) -> None:
        sdk = self._imported("opentelemetry.sdk.trace", "opentelemetry-sdk")
        if sdk is None or isinstance(self._spans.get_tracer_provider(), sdk.TracerProvider):
            return  # the application has set it up itself
        if not self._exporter:
            return
        otlp = importlib.import_module(f"{self._exporter}.trace_exporter")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        name = os.environ.get("OTEL_SERVICE_NAME") or self._settings.name
        about = {"service.name": name, "deployment.environment.name": self._settings.environment}
        provider = sdk.TracerProvider(resource=resources.Resource.create(about))
        provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
        self._spans.set_tracer_provider(provider)

        from celery import signals  # type: ignore[import-untyped, unused-ignore]

        def flush(**_: object) -> None:
            provider.shutdown()

        for start in (signals.worker_process_shutdown, signals.worker_shutdown):
            start.connect(flush, weak=False, dispatch_uid="celery_monitoring.spans")


def _first_set(*names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")
