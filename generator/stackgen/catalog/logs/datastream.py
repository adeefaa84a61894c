"""The Elasticsearch data stream of a stack, and what Kibana calls its objects.

Source: https://www.elastic.co/docs/reference/ecs/ecs-data_stream: a name is type-dataset-namespace, and neither of the
last two may have a hyphen.
"""

from __future__ import annotations

from dataclasses import dataclass

from stackgen.catalog.identity import joined


@dataclass(frozen=True)
class DataStream:
    """One per stack and environment, so that each has its own retention and its own API key."""

    dataset: str
    namespace: str

    @classmethod
    def of(cls, name: str, environment: str) -> DataStream:
        """The data stream of a stack."""
        return cls(f"celery.{name.replace('-', '_')}", environment.replace("-", "_"))

    @property
    def name(self) -> str:
        """The name by which Elasticsearch knows it; its index template has the same."""
        return f"logs-{self.dataset}-{self.namespace}"

    @property
    def failures(self) -> str:
        """The name of its failure store, where Elasticsearch keeps what it could not index."""
        return f"{self.name}::failures"


def saved_id(name: str, environment: str, what: str = "") -> str:
    """The id of a Kibana object: the same at every import, so that an import replaces what the last one made."""
    return "-".join(filter(None, ("celery", joined(name, environment), what)))


def saved_title(name: str, environment: str, what: str) -> str:
    """What Kibana's list calls a saved search."""
    return f"Celery {name}, {environment}: {what}"
