"""logs/loki/: the alert rules for Loki's ruler; and the settings of docker-compose's Loki, where no other is named."""

from __future__ import annotations

from generator.artefact import Artefact
from generator.catalog import promql
from generator.catalog.sources.stack import ALERTMANAGER
from generator.resolve.plan import Plan
from generator.rules import logs
from generator.rules.build import describe
from generator.rules.model import Alerting

FOLDER = "/etc/loki"
"""Where Loki's container finds logs/loki."""
DATA = "/loki"
"""Where it keeps everything it writes."""
_HOUR = 3600


def plan(stack: Plan) -> list[Artefact]:
    """The rules, when anything is judged; loki.yaml for our own Loki."""
    spec = stack.spec.logs
    ours = [_config(stack, int(spec.loki.retention.seconds))] if spec and spec.loki.bundled else []
    return [*ours, *([_rules(stack)] if stack.logged else [])]


def _config(stack: Plan, retention: int) -> Artefact:
    alertmanager = next(s.targets[0] for s in stack.scraped if s.source.id == ALERTMANAGER)
    return Artefact(
        path="logs/loki/loki.yaml",
        template="logs/loki.yaml.j2",
        syntax="yaml",
        context={
            "data": DATA,
            "chunks": f"{DATA}/chunks",
            "compactor": f"{DATA}/compactor",
            "rules": f"{FOLDER}/rules",
            "scratch": f"{DATA}/rules",
            "wal": f"{DATA}/ruler-wal",
            "retention": f"{retention // _HOUR}h",
            "alertmanager": f"http://{alertmanager}",
        },
        checks=("loki",),
    )


def _rules(stack: Plan) -> Artefact:
    group = logs.group(stack)
    return Artefact(
        path=logs.path(stack),
        template="prometheus/rules.yml.j2",
        syntax="yaml",
        context={
            "interval": promql.seconds(stack.site.evaluation),
            "group": {"name": group.name, "recordings": [], "alerts": [_alert(alert) for alert in group.alerts]},
        },
        checks=("logql",),
    )


def _alert(alert: Alerting) -> dict[str, object]:
    return {
        "why": f"{alert.judged.signal.title}: {alert.severity} {describe(alert.judged, alert.severity)}",
        "alert": alert.alert,
        "expr": alert.expr,
        "hold": promql.seconds(alert.hold) if alert.hold else None,
        "keep": promql.seconds(alert.keep) if alert.keep else None,
        "labels": list(alert.labels.items()),
        "annotations": list(alert.annotations.items()),
    }
