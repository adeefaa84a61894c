"""The series of facts' witnesses: recorded before all that is judged by them."""

from __future__ import annotations

from stackgen.catalog.series import Series

WORKERS_WITNESS = Series(
    name="celery:workers_witness:bool",
    labels=("witness",),
    unit="count",
    family="workers",
    meaning="What each witness says of workers: 1 when some are alive, 0 when none is, absent when it does not know.",
    shared=True,
)
LENGTH_TOLD = Series(
    name="celery:queue_length:told",
    labels=("queue", "witness"),
    unit="tasks",
    family="queues",
    meaning="The length of a queue as each witness tells it, where there are several.",
    shared=True,
)
LENGTH_WITNESS = Series(
    name="celery:length_witness:bool",
    labels=("queue", "witness"),
    unit="count",
    family="queues",
    meaning="Whether tasks wait, as each witness says: 1 all the time, 0 never, absent now and then.",
)
CONSUMERS_WITNESS = Series(
    name="celery:consumers_witness:bool",
    labels=("queue", "witness"),
    unit="count",
    family="queues",
    meaning="What each witness says of a queue: 1 when it is consumed, 0 when it is not, absent when it does not know.",
)
STARTS_WITNESS = Series(
    name="celery:starts_witness:bool",
    labels=("witness",),
    unit="count",
    family="queues",
    meaning="Whether any task began in the last 5 minutes, as each witness says: 1 when some did, 0 when none did.",
)
STARTING = Series(
    name="celery:tasks_starting:bool",
    labels=(),
    unit="count",
    family="queues",
    meaning="1 while workers begin tasks of any queue, 0 when every witness that is heard says that none begins.",
)
BROKER_WITNESS = Series(
    name="celery:broker_witness:bool",
    labels=("witness",),
    unit="count",
    family="stack",
    meaning="What each witness says of the broker: 1 when it answers, 0 when not, absent when it does not know.",
)
