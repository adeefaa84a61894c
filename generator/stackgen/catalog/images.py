"""Every container image of the stack: one table. stack.yaml's `versions` replaces a tag; nothing else knows one.

`seen` is the day, and `evidence` the place, where the tag was read; no registry could be asked in our lab.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Image(NamedTuple):
    """One version of one component's image."""

    component: str
    """The name under `versions` in stack.yaml."""
    version: str
    """What its behaviour is known by in this catalogue."""
    name: str
    tag: str
    """"" when no tag of this version is known: then stack.yaml must give one."""
    seen: str
    evidence: str

    def reference(self, tags: Mapping[str, str]) -> str:
        """name:tag, with the tag of stack.yaml when it gives one."""
        return f"{self.name}:{tags.get(self.component) or self.tag}"


_ELASTIC = "docker.elastic.co"
_ELASTIC_SEEN = ("2026-11-22", "release page of Elastic Stack 9.5.6")

IMAGES = (
    Image(
        "celery-exporter", "0.12.2", "danihodovic/celery-exporter", "0.12.2", "2026-08-20", "its issue 345 and releases"
    ),
    Image("celery-exporter", "next", "danihodovic/celery-exporter", "", "2026-08-21", "its main branch, not released"),
    Image("flower", "2.0.1", "mher/flower", "2.0.1", "2026-11-22", "known, not asked"),
    Image("redis", "v1.88.0", "oliver006/redis_exporter", "v1.88.0-alpine", "2026-07-23", "its releases"),
    Image("cadvisor", "v0.60.5", "ghcr.io/google/cadvisor", "v0.60.5", "2026-07-11", "its releases"),
    Image("process-exporter", "0.8.7", "ncabatoff/process-exporter", "0.8.7", "2025-04-21", "its releases"),
    Image("prometheus", "v3.14.0", "prom/prometheus", "v3.14.0", "2026-08-17", "its releases"),
    Image("alertmanager", "v0.34.0", "prom/alertmanager", "v0.34.0", "2026-08-16", "its releases"),
    Image("grafana", "13.2.3", "grafana/grafana", "13.2.3", "2026-09-29", "@grafana packages on npm"),
    Image("filebeat", "9.5.6", f"{_ELASTIC}/beats/filebeat", "9.5.6", *_ELASTIC_SEEN),
    Image("elasticsearch", "9.5.6", f"{_ELASTIC}/elasticsearch/elasticsearch", "9.5.6", *_ELASTIC_SEEN),
    Image("kibana", "9.5.6", f"{_ELASTIC}/kibana/kibana", "9.5.6", *_ELASTIC_SEEN),
    Image(
        "cloudwatch-agent",
        "1.300072.0b1766",
        "public.ecr.aws/cloudwatch-agent/cloudwatch-agent",
        "1.300072.0b1766",
        "2026-11-22",
        "two public deployments that pin it, one as the manifest for all architectures",
    ),
    Image("loki", "3.7.6", "grafana/loki", "3.7.6", "2026-08-05", "its releases"),
    Image("alloy", "v1.18.1", "grafana/alloy", "v1.18.1", "2026-08-06", "its releases"),
    Image("redis-server", "8.6.0", "redis", "8.6.0-alpine3.23", "2026-02-11", "uselagoon/lagoon-images pull 1581"),
    Image("rabbitmq", "4.1.0", "rabbitmq", "4.1.0", "2026-11-22", "docker-library/official-images"),
    Image("python", "3.13.6", "python", "3.13.6-slim", "2025-08-08", "eduMFA/eduMFA pull 724"),
)


def known(component: str) -> Mapping[str, Image]:
    """The images of a component by version, the default first."""
    return MappingProxyType({i.version: i for i in IMAGES if i.component == component})


def default(component: str) -> Image:
    """The image of the component's default version."""
    return next(i for i in IMAGES if i.component == component)
