"""exporters/: how to start each listed exporter, computed from the queues and thresholds."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.artefact import Artefact
from stackgen.catalog.launch import Variable
from stackgen.resolve.plan import Plan, Scraped


def artefacts(plan: Plan) -> list[Artefact]:
    """One file for every listed program that asks the broker, unless its image is built here."""
    return [file for scraped in plan.scraped for file in _file(scraped, plan)]


def _written(value: str | Variable) -> str:
    if isinstance(value, str):
        return value
    return f"$(cat {value.file})" if value.file else f"${{{value.name}}}"


def _file(scraped: Scraped, plan: Plan) -> Iterator[Artefact]:
    source = scraped.source
    launch = source.launch and source.launch(plan.site, scraped.version)
    if not launch or not launch.asks_broker or launch.image.build:
        return
    environment = [(name, _written(value)) for name, value in launch.environment.items()]
    yield Artefact(
        path=f"exporters/{source.id}.yml",
        template="exporters/exporter.yml.j2",
        syntax="yaml",
        context={
            "title": source.title,
            "link": source.link,
            "notes": list(launch.notes),
            "image": launch.image.reference(plan.site.tags),
            "command": list(launch.command),
            "environment": environment or None,
            "targets": list(scraped.targets),
            "path": scraped.path,
        },
    )
