"""exporters/: how to start each listed exporter, computed from the queues and thresholds."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.resolve.plan import Plan, Scraped


def plan(stack: Plan) -> list[Artefact]:
    """One file for every listed source that is a program of its own."""
    return [_file(scraped, stack) for scraped in stack.scraped if scraped.source.launch]


def _file(scraped: Scraped, stack: Plan) -> Artefact:
    source = scraped.source
    assert source.launch
    launch = source.launch(stack.site, scraped.version)
    return Artefact(
        path=f"exporters/{source.id}.yml",
        template="exporters/exporter.yml.j2",
        syntax="yaml",
        context={
            "title": source.title,
            "link": source.link,
            "notes": list(launch.notes),
            "image": launch.image,
            "command": list(launch.command),
            "environment": list(launch.environment.items()) or None,
            "targets": list(scraped.targets),
            "path": scraped.path,
        },
    )
