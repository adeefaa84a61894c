"""logs/alloy/: Grafana Alloy from the workers' JSON log files into Loki."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.catalog.logs import line, logql
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import Logs

PATH = "logs/alloy/config.alloy"
_ROTATED = "{gz,bz2,xz,zst,1,2,3,4,5,6,7,8,9}"
"""Ends of names of files that were renamed: read already, and to be read again under no other name."""
_TIME = "time"


def artefacts(plan: Plan, logs: Logs) -> list[Artefact]:
    """config.alloy."""
    labels = {"service_name": plan.spec.stack.name, "environment": plan.spec.stack.environment}
    found = {name: logql.extraction(field) for name, field in logql.METADATA.items()}
    to = logs.loki
    config = Artefact(
        path=PATH,
        template="logs/config.alloy.j2",
        syntax="text",
        context={
            "path": logs.path,
            "rotated": f"{logs.folder}/*.{_ROTATED}",
            "labels": [(name, labels[name]) for name in logql.STREAM],
            "host": logql.HOST,
            "fields": [(_TIME, logql.extraction(line.TIME)), *found.items()],
            "time": _TIME,
            "metadata": {name: name for name in logql.METADATA},
            "to": {
                "url": f"{to.url.rstrip('/')}/loki/api/v1/push",
                "tenant": to.tenant,
                "user": to.user,
                "password_file": to.password_file,
                "token_file": to.token_file,
                "ca_file": to.ca_file,
            },
        },
    )
    return [config]
