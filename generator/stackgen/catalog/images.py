"""Container images of all that is no source: a source brings its own. stack.yaml's `versions` replaces a tag.

`seen` is the day, and `evidence` the place, where the tag was read; no registry could be asked in our lab.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Image:
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
    build: str = ""
    """The folder of output/ whose Dockerfile makes it; "" for one that is fetched."""

    def reference(self, tags: Mapping[str, str]) -> str:
        """name:tag, with the tag of stack.yaml when it gives one."""
        return f"{self.name}:{tags.get(self.component) or self.tag}"


_ELASTIC = "docker.elastic.co"
_ELASTIC_SEEN = ("2026-11-22", "release page of Elastic Stack 9.5.6")

IMAGES = (
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


def by_version(*images: Image) -> Mapping[str, Image]:
    """The images of a source by version, the default first."""
    return MappingProxyType({image.version: image for image in images})


def default(component: str) -> Image:
    """The image of a component of the table."""
    return next(i for i in IMAGES if i.component == component)


def from_demo(stack: str) -> Image:
    """The demo's image, for programs of ours that need Celery and nothing else."""
    return Image("", "", f"{stack}-demo", "1", "", "", build="demo")
