"""What a person asks the logs who looks at an alert: questions with a title, and those of each family of signals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from stackgen.catalog.logs import insights, kql, line, logql
from stackgen.catalog.logs.datastream import saved_title
from stackgen.catalog.logs.log_filter import LogFilter, happened
from stackgen.catalog.series import Family


class LogQuery(NamedTuple):
    """One question; its id is part of the id of Kibana's saved search."""

    id: str
    title: str
    filter: LogFilter


ALL = LogQuery("all", "Every line of this stack", LogFilter(()))
ERRORS = LogQuery(
    "errors", "Errors and worse, of tasks and of the worker itself", LogFilter(((line.LEVEL, ("error", "critical")),))
)
RECEIVED = LogQuery("received", "Messages that workers took", happened("received"))
SUCCEEDED = LogQuery(
    "succeeded", "Tasks that succeeded, each with event.duration in nanoseconds", happened("succeeded")
)
FAILED = LogQuery("failed", "Tasks that failed, each with its error", happened("failed"))
RETRIED = LogQuery("retried", "Tasks that will be tried again, each with the reason", happened("retried"))
REVOKED = LogQuery("revoked", "Tasks that were revoked, expired or terminated", happened("revoked"))
REJECTED = LogQuery("rejected", "Messages that were rejected", happened("rejected"))
UNKNOWN = LogQuery("unknown", "Messages for tasks that no worker knows", happened("unknown"))
LOST = LogQuery(
    "lost",
    "Processes of the pool that died under a task",
    happened("failed", error="WorkerLostError"),
)
SOFT = LogQuery(
    "soft-limit", "Tasks that ran into their soft limit", happened("failed", "retried", error="SoftTimeLimitExceeded")
)
HARD = LogQuery(
    "hard-limit", "Tasks that were ended at their hard limit", happened("failed", error="TimeLimitExceeded")
)

SAVED = (ALL, ERRORS, RECEIVED, SUCCEEDED, FAILED, RETRIED, REVOKED, REJECTED, UNKNOWN, LOST, SOFT, HARD)
"""Every question, in the order in which Kibana's list shows them first."""

BY_FAMILY: Mapping[Family, tuple[LogQuery, ...]] = MappingProxyType(
    {
        "workers": (LOST, ERRORS),
        "queues": (RECEIVED, ERRORS),
        "tasks": (FAILED,),
        "schedule": (RECEIVED, ERRORS),
        "stack": (ALL,),
        "logs": (ALL,),
    }
)
"""What to ask about a signal that says nothing of its own."""


class Query(NamedTuple):
    """One question as a backend understands it, and where to paste it."""

    where: str
    language: str
    text: str


def queries(wanted: LogQuery, shippers: Iterable[str], name: str, environment: str) -> Iterator[Query]:
    """The question for each backend that these shippers send to."""
    listed, filter_ = tuple(shippers), wanted.filter
    if "filebeat" in listed:
        where = f"Kibana, Discover; there is the saved search `{saved_title(name, environment, wanted.id)}`"
        yield Query(where, "kql", kql.lines(filter_, name, environment))
    if "alloy" in listed:
        text = logql.lines(filter_, logql.stream(name, environment))
        yield Query("Grafana, Explore, data source Celery Loki", "logql", text)
    if "cloudwatch" in listed:
        yield Query("CloudWatch, Logs Insights", "text", insights.query(filter_))
