"""kubernetes/README.md: what a team does with the folder."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.catalog.sources.worker import SOURCE as WORKER
from stackgen.emitters.kubernetes import secrets
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
    settings, held = plan.spec.kubernetes, secrets.keys(plan)
    return Artefact(
        "kubernetes/README.md",
        "kubernetes/README.md.j2",
        syntax="markdown",
        context={
            "namespace": plan.spec.namespace,
            "monitoring": settings.monitoring,
            "folder": settings.dashboards.folder_annotation,
            "made": _made(plan),
            "keys": [{"secret": secret, "key": key, "why": why} for (secret, key), why in held.items()] or None,
            "routed": _ROUTED[settings.routing].format(
                namespace=plan.spec.namespace, name=named("celery", plan), secret=named("alertmanager", plan)
            ),
            "pods": _pods(plan),
            "delivery": {"name": named("celery-monitoring", plan), "namespace": plan.spec.namespace},
        },
    )


def _made(plan: Plan) -> str:
    """Who makes the Secrets."""
    store = plan.spec.kubernetes.external_secrets
    if store:
        return f"`external-secrets.yaml` makes these of what the {store.kind} `{store.store}` has:"
    return "Make these yourself, by hand, from a sealed secret, or by kubernetes.external_secrets of stack.yaml:"


def _pods(plan: Plan) -> dict[str, str]:
    """How Prometheus finds the workers."""
    pods = any(scraped.source.id == WORKER.id for scraped, _ in kubernetes.in_pods(plan))
    found = "; a PodMonitor\nfinds them by their labels."
    missing = ". The source\n`{name: worker, kubernetes: {selector: app=…}}` makes Prometheus find them."
    return {"workers": _WORKERS + (found if pods else missing), "number": str(plan.spec.app.metrics.port)}
