"""logs/: what reads the workers' log files, one folder per shipper, and the backends it brings along."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stackgen.artefact import Artefact
from stackgen.emitters.logs import alloy, cloudwatch, elasticsearch, filebeat, loki
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import Logs, Shipper

SHIPPERS: Mapping[Shipper, tuple[Callable[[Plan, Logs], list[Artefact]], ...]] = {
    "filebeat": (filebeat.artefacts, elasticsearch.artefacts),
    "alloy": (alloy.artefacts, loki.artefacts),
    "cloudwatch": (cloudwatch.artefacts,),
}
"""What a shipper and its backend are made of."""


def artefacts(plan: Plan) -> list[Artefact]:
    """The files of every shipper that stack.yaml lists."""
    logs = plan.spec.logs
    return [one for name in logs.shippers for emit in SHIPPERS[name] for one in emit(plan, logs)] if logs else []
