"""The section `celery` of stack.yaml: the application that is watched, its broker and its workers."""

from typing import Annotated, Literal

from stackgen.spec.broker import Broker
from stackgen.spec.names import AppName, Release
from stackgen.spec.part import SECTION, Part
from stackgen.spec.scalars import Bytes, Duration, between

_Section = SECTION


class Fleet(Part):
    """How the number of workers changes when all is well."""

    settles: Annotated[Duration, between("1m", "1h")] | None = None
    """How long more workers must last to be the size of the fleet. A deployment that has old and new workers side by
    side for longer needs more; absent means as long as fewer workers must last (`thresholds.workers_missing.for`)."""
    scales: bool | None = None
    """Whether workers are started and stopped on purpose, as by an autoscaler. Then nobody is missed because there were
    more in the last hour, only what `queues.<name>.min_workers` asks for. Absent: true where every queue has it."""
    scales_to_zero: bool = False
    """Whether no worker is normal while nothing waits. Then no worker is told only while a queue holds tasks."""


class Celery(Part):
    """The Celery application that is watched."""

    app: AppName
    """Python path of the application, as given to `celery -A`: config, or proj.celery:app."""
    pool: Literal["prefork", "threads", "gevent", "eventlet", "solo"] = "prefork"
    """The workers' pool (`celery worker --pool`). Some measurements are not possible with some pools."""
    version: Release | None = None
    """Celery's version in quotes, such as "5.7"; absent means a recent one."""
    events: bool = True
    """Whether the workers send task events: `celery worker -E` or worker_send_task_events."""
    sent_events: bool = True
    """Whether all programs that send tasks have task_send_sent_event on; for the wait time and the queue's name.
    Where not, no queue is judged by itself for tasks that do not start: all are, together."""
    worker_memory_limit: Bytes | None = None
    """Memory one worker may use, with its child processes, such as 1.5GiB. The memory alert judges a share of it,
    whatever limit a source measures; absent: of the measured limit."""
    fleet: Annotated[Fleet, _Section] = Fleet.model_construct()
    """How the number of workers changes when all is well."""
    broker: Broker
    """The message broker."""
