"""logs/filebeat/: Filebeat 9 from the workers' JSON log files into one Elasticsearch data stream."""

from __future__ import annotations

from generator.artefact import Artefact
from generator.resolve.plan import Plan


def plan(stack: Plan) -> list[Artefact]:
    """filebeat.yml, when stack.yaml wants Filebeat."""
    logs = stack.spec.logs
    if logs is None or "filebeat" not in logs.shippers:
        return []
    name, environment = stack.spec.stack.name, stack.spec.stack.environment
    # A hyphen separates the three parts of a data stream's name, so a part cannot have one.
    namespace = environment.replace("-", "_")
    elasticsearch = logs.elasticsearch
    key = elasticsearch.api_key_env
    return [
        Artefact(
            path="logs/filebeat/filebeat.yml",
            template="logs/filebeat.yml.j2",
            syntax="yaml",
            context={
                "input": f"celery-{name}-{environment}",
                "paths": [logs.path],
                "rotated": [r"\.gz$", r"\.zst$"],
                "name": name,
                "environment": environment,
                "namespace": namespace,
                "index": f"logs-celery-{namespace}",
                "hosts": elasticsearch.hosts,
                "api_key": f"${{{key}:?set {key}}}",
                "authorities": [elasticsearch.authority] if elasticsearch.authority else None,
            },
            checks=("filebeat",),
        )
    ]
