"""logs/loki/: the alert rules for Loki's ruler; and the settings of docker-compose's Loki, where no other is named."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.catalog import promql
from stackgen.catalog.dashboard import MOST_OF_UID
from stackgen.catalog.logs import line, logql
from stackgen.resolve.plan import Plan
from stackgen.rules import logs as rules
from stackgen.rules.build import printed
from stackgen.spec.logs import Logs

FOLDER = "/etc/loki"
"""Where Loki's container finds logs/loki."""
DATA = "/loki"
"""Where it keeps everything it writes."""
MESSAGE = 1 << (logql.LONGEST_ANSWER - 1).bit_length()
"""Bytes of a message within Loki: the next power of two that holds the longest answer."""
_HOUR = 3600


def artefacts(plan: Plan, logs: Logs) -> list[Artefact]:
    """The rules, when anything is judged; loki.yaml for our own Loki."""
    ours = [_config(plan, int(logs.loki.retention.seconds))] if logs.loki.bundled else []
    return [*ours, *([_rules(plan)] if plan.log_signals else [])]


def _config(plan: Plan, retention: int) -> Artefact:
    return Artefact(
        path="logs/loki/loki.yaml",
        template="logs/loki.yaml.j2",
        syntax="yaml",
        context={
            "data": DATA,
            "store": {"filesystem": {"dir": f"{DATA}/chunks"}},
            "compactor": f"{DATA}/compactor",
            "rules": {"backend": "local", "local": {"directory": f"{FOLDER}/rules"}},
            "scratch": f"{DATA}/rules",
            "wal": {"dir": f"{DATA}/ruler-wal"},
            "retention": f"{retention // _HOUR}h",
            "message": MESSAGE,
            "line": f"{line.LONGEST // 1024}KB",
            "grafana": plan.spec.reached("grafana"),
            "datasource": plan.site.named("loki", MOST_OF_UID),
            "alertmanager": f"http://{plan.spec.prometheus.alertmanagers[0]}",
        },
    )


def _rules(plan: Plan) -> Artefact:
    group = rules.group(plan)
    return Artefact(
        path=rules.path(plan),
        template="prometheus/rules.yml.j2",
        syntax="yaml",
        context={
            "groups": [
                {
                    "name": group.name,
                    "interval": promql.seconds(plan.site.evaluation),
                    "recordings": [],
                    "alerts": [printed(rule, rule.expr) for rule in group.alerts],
                }
            ]
        },
    )
