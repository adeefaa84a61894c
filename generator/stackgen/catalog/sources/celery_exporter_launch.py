"""How danihodovic/celery-exporter is started."""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import promql
from stackgen.catalog.images import Image, by_version
from stackgen.catalog.launch import HttpHealth, Launch
from stackgen.catalog.site import Site

_IMAGE = "danihodovic/celery-exporter"
WORKER_TIMEOUT = 60
"""Seconds without heartbeat (Celery sends one every 2 s) after which we ask the exporter to call a worker down."""
PURGE = 600
"""Seconds after which the exporter drops all series of a worker that is down, its default."""
VERSIONS = by_version(
    Image("celery-exporter", "0.12.2", _IMAGE, "0.12.2", "2026-08-20", "its issue 345 and releases"),
    Image("celery-exporter", "next", _IMAGE, "", "2026-08-21", "its main branch, not released"),
)


def _bounds(buckets: tuple[Fraction, ...]) -> str:
    return ",".join(promql.number(b) for b in buckets)


def tells_hosts(version: str) -> bool:
    """Whether each task has series for every worker that runs it."""
    return version in ("", "0.12.2")


def launch(site: Site, version: str) -> Launch:
    """The exporter's command line; the broker's URL comes from the environment, never from here."""
    flags = [
        f"--queues={','.join(site.queues)}",
        f"--buckets={_bounds(site.duration_buckets)}",
        "--retry-interval=5",
        f"--worker-timeout={WORKER_TIMEOUT}",
        f"--purge-offline-worker-metrics={PURGE}",
        "--generic-hostname-task-sent-metric",
    ]
    flags += site.corner.exporter_flags()
    if not tells_hosts(version):
        flags += [f"--queue-wait-buckets={_bounds(site.wait_buckets)}", "--generic-hostname-worker-task-metric"]
    return Launch(
        image=VERSIONS[version],
        user="1000:1000",
        entrypoint=("python", "/app/cli.py"),  # its Dockerfile at v0.12.2
        command=tuple(flags),
        environment={"CE_BROKER_URL": site.broker_url},  # src/cli.py has no option for a file
        secrets=site.broker_secrets,
        networks=("backend", "broker"),
        health=HttpHealth("/health", "python"),
        notes=(
            "Every queue is named, or a queue without workers would have no series.",
            "Bucket bounds contain every threshold: a quantile cannot be judged between bounds.",
            "Without a retry interval the exporter exits with its broker and forgets every count.",
        ),
    )
