"""grafana/: where its data comes from, where its dashboards lie, and the dashboards themselves."""

from __future__ import annotations

from generator.artefact import Artefact
from generator.catalog import promql, registry
from generator.catalog.sources.stack import ALERTMANAGER
from generator.emitters.grafana.board import DATASOURCE_UID, board
from generator.resolve.plan import Plan

FOLDER = "/etc/grafana/dashboards"
"""Where Grafana's container finds the dashboards."""
_ALERTMANAGER_UID = "celery-alertmanager"


def plan(stack: Plan) -> list[Artefact]:
    """The provisioning files and one file for every dashboard."""
    return [_datasources(stack), _provider(), *(_dashboard(name, stack) for name in registry.dashboards())]


def _datasources(stack: Plan) -> Artefact:
    alertmanager = next(s.targets[0] for s in stack.scraped if s.source.id == ALERTMANAGER)
    return Artefact(
        path="grafana/provisioning/datasources/celery.yml",
        template="grafana/datasources.yml.j2",
        syntax="yaml",
        context={
            "prometheus_uid": DATASOURCE_UID,
            "prometheus_url": f"http://{stack.spec.prometheus.address}",
            "interval": promql.seconds(stack.site.scrape),
            "alertmanager_uid": _ALERTMANAGER_UID,
            "alertmanager_url": f"http://{alertmanager}",
        },
    )


def _provider() -> Artefact:
    return Artefact(
        path="grafana/provisioning/dashboards/celery.yml",
        template="grafana/dashboards.yml.j2",
        syntax="yaml",
        context={"path": FOLDER},
    )


def _dashboard(name: str, stack: Plan) -> Artefact:
    return Artefact(
        path=f"grafana/dashboards/{name}.json",
        template="grafana/dashboard.json.j2",
        syntax="json",
        context={"dashboard": board(registry.dashboards()[name], stack)},
    )
