"""What a person may write about one program that exposes metrics."""

from typing import Annotated

from pydantic import Field, model_validator

from stackgen.spec.kubernetes import Discovery
from stackgen.spec.names import JobName, LabelName, LabelValue, ScrapeTarget, UrlPath, VersionTag
from stackgen.spec.part import SECTION, Part


class SourceSpec(Part):
    """One program that exposes metrics. Its name alone is enough."""

    name: str
    """Name of the source; `stackgen list` shows all."""
    version: VersionTag | None = None
    """Its version in quotes, such as "0.12.2"; absent means the newest that is known."""
    targets: Annotated[list[ScrapeTarget], Field(min_length=1)] | None = None
    """Where it is scraped, and that somebody else runs it: host:port; dns:name:port for every address behind a name;
    file:/path/*.json for a list that Prometheus reads. Absent means the container of the generated docker-compose.yml.
    """
    kubernetes: Discovery | None = None
    """Where it runs in a Kubernetes cluster, instead of `targets`."""
    job: JobName | None = None
    """Label `job` of what it exposes, as the Prometheus that scrapes it has it; absent means the source's own name."""
    labels: Annotated[dict[LabelName, LabelValue], SECTION] = {}
    """Further labels by which Prometheus tells this stack's targets, such as {namespace: shop}; ours adds them."""
    path: UrlPath | None = None
    """Path under which it exposes its metrics; absent means the source's own."""
    match: str | None = None
    """Names of worker containers or process groups, with one * at the start or the end; absent means *worker*."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @property
    def is_found(self) -> bool:
        """Whether a Prometheus of others scrapes it already: then stack.yaml only says how it is told there."""
        return self.targets is None and self.kubernetes is None and (self.job is not None or bool(self.labels))

    @property
    def telling(self) -> dict[str, str]:
        """The labels by which its targets are told from those of other stacks."""
        within = {"namespace": self.kubernetes.namespace} if self.kubernetes and self.kubernetes.namespace else {}
        return {**within, **self.labels}
