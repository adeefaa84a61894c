"""A toy exporter that knows how long queues are.

Facts: a scrape of it (tests/scrapes/toy-1.0-load.prom).
"""

from __future__ import annotations

from stackgen.catalog.counting import latest
from stackgen.catalog.images import Image, by_version
from stackgen.catalog.launch import HttpHealth, Launch
from stackgen.catalog.series import QUEUE_LENGTH
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, Reading, RecordingRule, Source, gauge

_JOB = 'job="toy"'
LENGTH = Metric(name="toy_queue_length", type="gauge", labels=("name",))


def launch(site: Site, version: str) -> Launch:
    """It is told where the broker is and which queues there are."""
    return Launch(
        image=TOY.versions[version],
        user="1000:1000",
        command=tuple(f"--queue={queue}" for queue in site.queues),
        environment={"TOY_BROKER": site.broker_url},
        networks=("backend", "broker"),
        health=HttpHealth("/healthy", "wget"),
    )


TOY = Source(
    id="toy",
    title="a toy exporter",
    job="toy",
    target="toy-exporter:9999",
    link="https://example.com/toy",
    metrics=(LENGTH,),
    readings=(
        Reading(
            series=QUEUE_LENGTH,
            uses=(LENGTH,),
            rules=lambda site: (
                RecordingRule(latest(LENGTH.name, (_JOB, site.held("name")), site, {"queue": "name"})),
            ),
            stimulus=gauge("toy", LENGTH, lambda canonical: {"name": canonical["queue"]}),
            caveat="A toy counts on its fingers.",
        ),
    ),
    versions=by_version(Image("toy", "1.0", "example/toy", "1.0", "2026-11-28", "it is a toy")),
    launch=launch,
)
