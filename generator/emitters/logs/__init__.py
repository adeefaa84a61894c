"""logs/: what reads the workers' log files, one folder per shipper, and the backends it brings along."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generator.artefact import Artefact
from generator.emitters.logs import alloy, cloudwatch, elasticsearch, filebeat, loki
from generator.resolve.plan import Plan
from generator.spec.logs import Shipper


def _elastic(stack: Plan) -> list[Artefact]:
    return [*filebeat.plan(stack), *elasticsearch.plan(stack)]


def _loki(stack: Plan) -> list[Artefact]:
    return [*alloy.plan(stack), *loki.plan(stack)]


SHIPPERS: Mapping[Shipper, Callable[[Plan], list[Artefact]]] = {
    "filebeat": _elastic,
    "alloy": _loki,
    "cloudwatch": cloudwatch.plan,
}


def plan(stack: Plan) -> list[Artefact]:
    """The files of every shipper that stack.yaml lists."""
    logs = stack.spec.logs
    return [artefact for name in logs.shippers for artefact in SHIPPERS[name](stack)] if logs else []
