"""logs/: what reads the workers' log files, one folder per shipper, and the backends it brings along."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generator.artefact import Artefact
from generator.emitters.logs import cloudwatch, elasticsearch, filebeat
from generator.resolve.plan import Plan
from generator.spec.logs import Shipper


def _elastic(stack: Plan) -> list[Artefact]:
    return [*filebeat.plan(stack), *elasticsearch.plan(stack)]


SHIPPERS: Mapping[Shipper, Callable[[Plan], list[Artefact]]] = {
    "filebeat": _elastic,
    "cloudwatch": cloudwatch.plan,
}


def plan(stack: Plan) -> list[Artefact]:
    """The files of every shipper that stack.yaml lists."""
    logs = stack.spec.logs
    return [artefact for name in logs.shippers for artefact in SHIPPERS[name](stack)] if logs else []
