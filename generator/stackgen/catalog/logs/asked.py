"""What a person asks the logs who looks at an alert: questions with a title, by signal or family of signals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from stackgen.catalog.logs import insights, kql, line, logql
from stackgen.catalog.logs.datastream import saved_title
from stackgen.catalog.logs.question import Question, happened
from stackgen.catalog.logs.signals import LOG_SIGNALS


class Asked(NamedTuple):
    """One question; its id is part of the id of Kibana's saved search."""

    id: str
    title: str
    question: Question


ALL = Asked("all", "Every line of this stack", Question(()))
ERRORS = Asked("errors", "Errors, of tasks and of the worker itself", Question(((line.LEVEL, "error"),)))
RECEIVED = Asked("received", "Messages that workers took", happened("received"))
SUCCEEDED = Asked("succeeded", "Tasks that succeeded, each with event.duration in nanoseconds", happened("succeeded"))
FAILED = Asked("failed", "Tasks that failed, each with its error", happened("failed"))
RETRIED = Asked("retried", "Tasks that will be tried again, each with the reason", happened("retried"))
REVOKED = Asked("revoked", "Tasks that were revoked, expired or terminated", happened("revoked"))
REJECTED = Asked("rejected", "Messages that were rejected", happened("rejected"))
UNKNOWN = Asked("unknown", "Messages for tasks that no worker knows", happened("unknown"))
LOST = Asked("lost", "Processes of the pool that died under a task", LOG_SIGNALS["log_worker_lost"].question)
SOFT = Asked(
    "soft-limit", "Tasks that ran into their soft limit", Question(((line.ERROR_TYPE, "SoftTimeLimitExceeded"),))
)
HARD = Asked(
    "hard-limit", "Tasks that were ended at their hard limit", Question(((line.ERROR_TYPE, "TimeLimitExceeded"),))
)

SAVED = (ALL, ERRORS, RECEIVED, SUCCEEDED, FAILED, RETRIED, REVOKED, REJECTED, UNKNOWN, LOST, SOFT, HARD)
"""Every question, in the order in which Kibana's list shows them first."""

BY_FAMILY: Mapping[str, tuple[Asked, ...]] = MappingProxyType(
    {
        "workers": (LOST, ERRORS),
        "queues": (RECEIVED, ERRORS),
        "tasks": (FAILED,),
        "stack": (ALL,),
    }
)
BY_SIGNAL: Mapping[str, tuple[Asked, ...]] = MappingProxyType(
    {
        "dead_letter_length": (REJECTED, FAILED),
        "task_success_ratio": (FAILED, REVOKED, REJECTED),
        "task_duration_p95": (SUCCEEDED, SOFT, HARD),
        "task_retry_ratio": (RETRIED,),
        "task_timeout_ratio": (SOFT, HARD),
        "log_failures": (FAILED,),
        "log_unregistered": (UNKNOWN,),
        "log_worker_lost": (LOST,),
        "log_silence": (ALL,),
    }
)
"""Signals whose lines are not those of their family."""


def of_signal(signal: str, family: str) -> tuple[Asked, ...]:
    """What to ask about a signal."""
    return BY_SIGNAL[signal] if signal in BY_SIGNAL else BY_FAMILY[family]


class Query(NamedTuple):
    """One question as a backend understands it, and where to paste it."""

    where: str
    language: str
    text: str


def queries(asked: Asked, shippers: Iterable[str], name: str, environment: str) -> Iterator[Query]:
    """The question for each backend that these shippers send to."""
    listed, question = tuple(shippers), asked.question
    if "filebeat" in listed:
        where = f"Kibana, Discover; there is the saved search `{saved_title(name, environment, asked.id)}`"
        yield Query(where, "kql", kql.lines(question, name, environment))
    if "alloy" in listed:
        text = logql.lines(question, logql.stream(name, environment))
        yield Query("Grafana, Explore, data source Celery Loki", "logql", text)
    if "cloudwatch" in listed:
        yield Query("CloudWatch, Logs Insights", "text", insights.query(question))
