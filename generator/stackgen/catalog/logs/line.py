"""The fields of a line that celery_monitoring.py writes: one declaration for every shipper, mapping and test.

Names are of the Elastic Common Schema where it has one; what only Celery knows stands in the object `celery`.
Source: https://www.elastic.co/docs/reference/ecs/ecs-field-reference
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "date", "keyword", "constant_keyword", "match_only_text", "wildcard", "long", "double", "flattened", "object"
]


@dataclass(frozen=True)
class Field:
    """One field: its path, with a dot between objects, its type in Elasticsearch, and what it says."""

    path: str
    kind: Kind
    meaning: str

    @property
    def is_ours(self) -> bool:
        """Whether the Elastic Common Schema has no such field."""
        return self.path.startswith("celery.")


TIME = Field("@timestamp", "date", "When it happened, in UTC, to the millisecond.")
MESSAGE = Field("message", "match_only_text", "The sentence a person reads.")
LEVEL = Field("log.level", "keyword", "debug, info, warning, error or critical.")
SERVICE = Field("service.name", "keyword", "The stack's name.")
ENVIRONMENT = Field("service.environment", "keyword", "The stack's environment.")
ACTION = Field("event.action", "keyword", "What happened to a task, such as task-failed.")
ERROR_TYPE = Field("error.type", "keyword", "The exception's class.")
TRACE = Field("trace.id", "keyword", "The trace that the task belongs to, with OpenTelemetry.")
SPAN = Field("span.id", "keyword", "The span within the trace, with OpenTelemetry.")
TASK = Field("celery.task.name", "keyword", "The task's name.")
TASK_ID = Field("celery.task.id", "keyword", "The id of this message.")
QUEUE = Field("celery.queue", "keyword", "The queue, or routing key, that the message came by.")
WORKER = Field("celery.worker", "keyword", "The worker's node name, such as celery@host.")

START = r"""^\{"@timestamp":"[^"]+","host":\{"name":"[^"]*"\},"process":\{"pid":[0-9]+[,}]"""
"""How every line of the module begins, and no other: a regular expression, in RE2 too."""
LONGEST = 49_152
"""Bytes of the longest line that the module writes; whatever carries or keeps lines must hold it."""
LONGEST_NAME = 1_200
"""Bytes of the longest name or id in a line: 300 characters."""

FIELDS = (
    *(TIME, MESSAGE, LEVEL),
    Field("log.logger", "keyword", "The logger that was used; none for what happened to a task."),
    Field("ecs.version", "keyword", "The version of the Elastic Common Schema."),
    *(SERVICE, ENVIRONMENT),
    Field("host.name", "keyword", "The host, or container, that wrote the line."),
    Field("process.pid", "long", "The process that wrote the line."),
    Field("process.thread.name", "keyword", "The thread that logged it."),
    Field("event.dataset", "keyword", "celery.task for what happened to a task, celery.log for all else."),
    ACTION,
    Field("event.outcome", "keyword", "success, failure or unknown, when a task ended."),
    Field("event.duration", "long", "How long the task ran, in nanoseconds."),
    Field("event.reason", "keyword", "Why a task was revoked: revoked, expired or terminated."),
    ERROR_TYPE,
    Field("error.message", "match_only_text", "The exception's text, cut short."),
    Field("error.stack_trace", "wildcard", "Files, lines and source of the frames, without values, cut short."),
    Field("labels", "object", "The application's own fields that stack.yaml allows, as short texts."),
    *(TRACE, SPAN, TASK, TASK_ID),
    Field("celery.task.retries", "long", "How often it was tried before."),
    Field("celery.task.wait_seconds", "double", "How long it waited between being sent and being started."),
    Field("celery.task.arguments", "flattened", "The arguments that stack.yaml allows, as short texts."),
    *(QUEUE, WORKER),
    Field("celery.root_id", "keyword", "The first task of the workflow."),
    Field("celery.parent_id", "keyword", "The task that sent this one."),
    Field("celery.eta", "keyword", "When the task may start at the earliest, as the sender wrote it."),
)
"""Every field that a line can have."""

OFFSET = Field("log.offset", "long", "Where the line stands in its file: the order of those of one millisecond.")
BESIDE = (
    OFFSET,
    Field("log.file.path", "keyword", "The file, as Filebeat sees it."),
    Field("log.flags", "keyword", "truncated, where the line was longer than Filebeat reads."),
    Field("input.type", "keyword", "filestream."),
    *(Field(f"agent.{name}", "keyword", "The Filebeat.") for name in ("ephemeral_id", "id", "name", "type", "version")),
    Field("event.module", "keyword", "celery."),
    Field("service.type", "keyword", "celery."),
    *(
        Field(f"data_stream.{name}", "constant_keyword", "The data stream, in parts.")
        for name in ("type", "dataset", "namespace")
    ),
)
"""What Filebeat puts beside a line and may be asked for."""
