"""kubernetes/README.md: what a team does with the folder."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.artefact import Artefact
from stackgen.catalog.sources.worker import SOURCE as WORKER
from stackgen.emitters.kubernetes import routing, workloads
from stackgen.emitters.kubernetes.objects import named
from stackgen.resolve import kubernetes
from stackgen.resolve.plan import Plan

_ROUTED = {
    "namespaced": (
        "`alertmanagerconfig.yaml` holds routes, receivers and inhibition of this stack. The operator lets it see\n"
        "only alerts whose label `namespace` is {namespace}, so every rule here gives its alerts that label.\n"
        "`alertmanagerConfigSelector` must take it; any `alertmanagerConfigMatcherStrategy` will do."
    ),
    "global": (
        "`alertmanagerconfig.yaml` is for an Alertmanager of your own: `alertmanagerConfiguration:\n"
        "{{name: {name}}}`. It becomes the root of all routes; alerts of other stacks reach nobody there."
    ),
    "secret": (
        "`alertmanager.yaml` is a Secret with a whole configuration, for `configSecret: {secret}` of an Alertmanager\n"
        "of your own. It names files only; those of secrets are in /etc/alertmanager/secrets/, by `spec.secrets` there."
    ),
    "none": (
        "Nothing here routes alerts. They carry `owner`, `severity`, `queue` and `namespace`, and reach whoever\n"
        "routes by these."
    ),
}
_WORKERS = "`celery_monitoring.py` beside the application serves each worker's metrics and answers its probes"


def artefact(plan: Plan) -> Artefact:
    """The page."""
    settings = plan.spec.kubernetes
    return Artefact(
        "kubernetes/README.md",
        "kubernetes/README.md.j2",
        syntax="markdown",
        context={
            "namespace": plan.spec.namespace,
            "monitoring": settings.monitoring,
            "folder": settings.dashboards.folder_annotation,
            "keys": [{"secret": secret, "key": key, "why": why} for secret, key, why in _keys(plan)] or None,
            "routed": _ROUTED[settings.routing].format(
                namespace=plan.spec.namespace, name=named("celery", plan), secret=named("alertmanager", plan)
            ),
            "pods": _pods(plan),
        },
    )


def _pods(plan: Plan) -> dict[str, str]:
    """How Prometheus finds the workers."""
    pods = any(scraped.source.id == WORKER.id for scraped, _ in kubernetes.in_pods(plan))
    found = "; a PodMonitor\nfinds them by their labels."
    missing = ". The source\n`{name: worker, kubernetes: {selector: app=…}}` makes Prometheus find them."
    return {"workers": _WORKERS + (found if pods else missing), "number": str(plan.spec.app.metrics.port)}


def _keys(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Secret, key and what it holds, each once."""
    settings = plan.spec.kubernetes
    found = {
        (settings.secret, key): why for one in kubernetes.started(plan) for key, why in workloads.secrets(one, plan)
    }
    if settings.routing in ("namespaced", "global"):
        secret = settings.alerting_secret or settings.secret
        found |= {(secret, key): f"what {name} needs" for name, key in routing.secrets(plan)}
    return ((secret, key, why) for (secret, key), why in found.items())
