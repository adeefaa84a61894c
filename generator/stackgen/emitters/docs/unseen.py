"""docs/unseen.md: what nobody sees, with a picture of each as a real system showed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stackgen.artefact import Artefact


@dataclass(frozen=True)
class Picture:
    """One scenario of `python -m tests.live`, which draws it."""

    name: str
    title: str
    words: str


PICTURES = (
    Picture(
        "beat-is-killed",
        "Beat is killed",
        "CeleryBeatDown: no beat is heard, or its clock stands still; nothing else changes.",
    ),
    Picture(
        "beat-stands-still",
        "Beat is stopped (SIGSTOP)",
        "CeleryBeatDown: its process is there and its port is open, and it does not answer.",
    ),
    Picture("two-beats", "Two beats", "CeleryBeatTwice: each entry is sent by both."),
    Picture(
        "an-entry-is-missed",
        "An entry cannot be sent",
        "CeleryScheduleMissed: beat goes on to its next time, and the entry is late until it is sent.",
    ),
    Picture(
        "an-entry-s-queue-is-blocked",
        "The queue of an entry is blocked",
        "CeleryTaskOverdue: it is sent on time and never runs. CeleryOldestTaskWaits tells of the queue.",
    ),
    Picture(
        "a-run-takes-longer-than-its-period",
        "A run takes longer than its period",
        "CeleryScheduleOverruns: the longest run of the last five minutes, of the period.",
    ),
    Picture(
        "a-schedule-changes-at-run-time-kept-by-django",
        "A schedule changes at run time",
        "Nothing is told. An entry of every other second becomes an hourly one in django-celery-beat's table; "
        "in how many seconds it is due follows without a restart.",
    ),
    Picture(
        "a-producer-floods-a-queue",
        "A producer floods a queue",
        "CeleryQueueBacklog, long before its tasks have waited for long.",
    ),
    Picture(
        "a-task-takes-no-notice-of-its-limit",
        "A task is stuck",
        "CeleryTaskStuck: it catches its soft limit and has no hard one.",
    ),
    Picture(
        "workers-hold-messages-until-their-eta",
        "Messages with an ETA fill workers",
        "CeleryMessagesHoarded: their queue is empty all the time.",
    ),
    Picture(
        "a-full-worker-holds-messages-while-another-is-free",
        "A full worker holds messages while another is free",
        "CeleryMessagesHoarded: how long the first of them has waited inside the worker.",
    ),
    Picture("every-pool-is-full", "Every pool is full", "CeleryWorkerPoolFull: of each worker, while tasks wait."),
    Picture(
        "a-worker-s-consumers-are-cancelled",
        "A worker's consumers are cancelled",
        "CeleryWorkerTakesNothing: it answers, and takes nothing.",
    ),
    Picture(
        "a-task-outlasts-the-visibility-timeout",
        "A task outlasts a visibility timeout of 20 s",
        "CeleryVisibilityTimeoutTooShort: from 1 on Redis gives the same message to somebody else.",
    ),
    Picture(
        "a-message-kills-its-process-each-time",
        "A message kills its process each time",
        "CeleryTaskRedelivered: how often one worker started it again.",
    ),
    Picture(
        "messages-expire-in-the-broker",
        "Messages expire in RabbitMQ",
        "CeleryMessagesExpire: their queue is blocked, and they live for five seconds.",
    ),
)


def pictures() -> Iterator[Artefact]:
    """The files of the pictures."""
    for one in PICTURES:
        yield Artefact(f"docs/{_path(one)}", f"docs/pictures/{one.name}.svg.j2", syntax="text", context={})


def context() -> dict[str, object]:
    """What the page shows."""
    return {"pictures": [{"title": one.title, "words": one.words, "path": _path(one)} for one in PICTURES]}


def _path(one: Picture) -> str:
    return f"pictures/{one.name}.svg"
