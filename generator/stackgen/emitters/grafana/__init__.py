"""grafana/: where its data comes from, where its dashboards lie, and the dashboards themselves."""

from __future__ import annotations

from collections.abc import Sequence

from stackgen.artefact import Artefact
from stackgen.catalog import promql, registry
from stackgen.catalog.dashboard import MOST_OF_UID
from stackgen.catalog.logs import logql
from stackgen.catalog.site import Site
from stackgen.emitters.grafana.board import board
from stackgen.emitters.grafana.together import together
from stackgen.resolve.available import is_empty
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import Loki

FOLDER = "/etc/grafana/dashboards"
"""Where Grafana's container finds the dashboards."""


def artefacts(plan: Plan) -> list[Artefact]:
    """The provisioning files and one file for every dashboard of which this stack can show anything."""
    boards = [_dashboard(name, plan) for name, one in registry.dashboards().items() if not is_empty(one, plan)]
    return boards if plan.spec.shares("grafana") else [_datasources(plan), _provider(plan), *boards]


def own(plan: Plan) -> list[Artefact]:
    """What is left to one of many stacks: nothing where they share the dashboards."""
    return [] if plan.site.shares_boards else artefacts(plan)


def shared(plans: Sequence[Plan]) -> list[Artefact]:
    """The dashboards of those of many stacks that share them."""
    sharing = [plan for plan in plans if plan.site.shares_boards and plan.spec.wants("grafana")]
    return [_dashboard(name, together(sharing)) for name in registry.dashboards()] if sharing else []


def _datasources(plan: Plan) -> Artefact:
    return Artefact(
        path="grafana/provisioning/datasources/celery.yml",
        template="grafana/datasources.yml.j2",
        syntax="yaml",
        context={
            "titles": {name: plan.site.titled(f"Celery {name}") for name in ("Prometheus", "Alertmanager", "Loki")},
            "prometheus_uid": plan.site.named("prometheus", MOST_OF_UID),
            "prometheus_url": f"http://{plan.spec.prometheus.address}",
            "interval": promql.seconds(plan.site.scrape),
            "alertmanager_uid": plan.site.named("alertmanager", MOST_OF_UID),
            "alertmanager_url": f"http://{plan.spec.prometheus.alertmanagers[0]}",
            "loki": _loki(plan.spec.logs.loki, plan.site) if plan.spec.logs and plan.has_loki else None,
        },
    )


def _loki(loki: Loki, site: Site) -> dict[str, object]:
    """Grafana expands `$` in these files, so one that is meant is doubled; secrets are read from their files."""
    headers = {
        **({"X-Scope-OrgID": loki.tenant} if loki.tenant else {}),
        **({"Authorization": f"Bearer $__file{{{loki.token_file}}}"} if loki.token_file else {}),
    }
    secure = {f"httpHeaderValue{number}": value for number, value in enumerate(headers.values(), 1)}
    if loki.password_file:
        secure["basicAuthPassword"] = f"$__file{{{loki.password_file}}}"
    if loki.ca_file:
        secure["tlsCACert"] = f"$__file{{{loki.ca_file}}}"
    return {
        "uid": site.named("loki", MOST_OF_UID),
        "url": loki.url.replace("$", "$$"),
        "user": loki.user,
        "settings": [
            ("maxLines", logql.MOST_LINES),
            ("manageAlerts", True),
            ("alertmanagerUid", site.named("alertmanager", MOST_OF_UID)),
            *((f"httpHeaderName{number}", name) for number, name in enumerate(headers, 1)),
            *([("tlsAuthWithCACert", True)] if loki.ca_file else []),
        ],
        "secure": list(secure.items()) or None,
    }


def _provider(plan: Plan) -> Artefact:
    return Artefact(
        path="grafana/provisioning/dashboards/celery.yml",
        template="grafana/dashboards.yml.j2",
        syntax="yaml",
        context={
            "name": plan.site.named("dashboards"),
            "folder": plan.site.titled("Celery"),
            "folder_uid": plan.site.named("folder", MOST_OF_UID),
            "path": FOLDER,
        },
    )


def _dashboard(name: str, plan: Plan) -> Artefact:
    return Artefact(
        path=f"grafana/dashboards/{name}.json",
        template="_shared/json.j2",
        syntax="json",
        context={"document": board(registry.dashboards()[name], plan)},
    )
