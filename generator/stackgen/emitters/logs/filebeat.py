"""logs/filebeat/: Filebeat 9 from the workers' JSON log files into one Elasticsearch data stream."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.catalog.identity import joined
from stackgen.catalog.logs.datastream import DataStream
from stackgen.catalog.logs.line import START
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import Logs

FINGERPRINT = 256
"""Bytes by which Filebeat knows a file again. Time, host and process of its first line stand within them, and no line
is shorter, so that a file is read from its first line on."""
COMPRESSED = r"\.(gz|zst|xz|bz2)$"


def artefacts(plan: Plan, logs: Logs) -> list[Artefact]:
    """filebeat.yml."""
    name, environment = plan.spec.stack.name, plan.spec.stack.environment
    stream = DataStream.of(name, environment)
    elasticsearch = logs.elasticsearch
    key = elasticsearch.api_key_env
    return [
        Artefact(
            path="logs/filebeat/filebeat.yml",
            template="logs/filebeat.yml.j2",
            syntax="yaml",
            context={
                "input": f"celery-{joined(name, environment)}",
                "paths": [logs.path, f"{logs.path}?*"],
                "compressed": [COMPRESSED],
                "fingerprint": {"enabled": True, "offset": 0, "length": FINGERPRINT},
                "ours": {"regexp": {"message": START}},
                "name": name,
                "environment": environment,
                "dataset": stream.dataset,
                "namespace": stream.namespace,
                "index": stream.name,
                "hosts": elasticsearch.hosts,
                "api_key": f"${{{key}:?set {key}}}",
                "authorities": [elasticsearch.authority] if elasticsearch.authority else None,
            },
        )
    ]
