"""How workers and their broker are set, asked through Celery's remote control and Redis's INFO; nothing is changed."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stackgen.catalog.corner import Corner
from stackgen.doctor.broker import TIMEOUT_SECONDS, refusal
from stackgen.doctor.http import Unreachable

_ANSWER_SECONDS = 2.0
_ASKED = ("acks_late", "time_limit", "soft_time_limit")
_TASK = re.compile(r"(?P<name>\S+)(?: \[(?P<has>.*)\])?")


@dataclass(frozen=True)
class Worker:
    """One worker, as it says of itself. Of its settings only some are ever read: others hold addresses."""

    name: str
    settings: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Attributes of its tasks, by their names."""
    running: Mapping[str, float] = field(default_factory=dict)
    """Seconds for which each running task has run, the longest of a name."""
    held: Mapping[str, float] = field(default_factory=dict)
    """Seconds until the ETA of each task that waits for one in the worker, the longest of a name."""
    processes: int = 1


@dataclass(frozen=True)
class Settings:
    """What was found."""

    workers: tuple[Worker, ...] = ()
    twice: tuple[str, ...] = ()
    """Node names that more than one worker has."""
    redis: Mapping[str, str] = field(default_factory=dict)
    """What Redis tells of its memory and of what it keeps; {} of another broker."""


def look(url: str, corner: Corner) -> Settings:
    """Asks workers and broker. Raises Unreachable; its text never holds the address."""
    try:
        from celery import Celery  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        message = "workers are asked through Celery, which is not installed here: run this where it is"
        raise Unreachable(message) from error
    app = Celery("stackgen-doctor", broker=url, set_as_current=False)
    limits = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    app.conf.broker_transport_options = {**corner.options, **(limits if corner.kind == "redis" else {})}
    app.conf.broker_use_ssl = corner.ssl or None
    try:
        with app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1)
            return _asked(app, connection)
    except Exception as error:  # each transport has classes of its own, which only it can name
        raise refusal(error) from error


def _asked(app: Any, connection: Any) -> Settings:
    def ask(command: str, **arguments: object) -> list[tuple[str, Any]]:
        answers = app.control.broadcast(
            command, arguments=arguments, reply=True, timeout=_ANSWER_SECONDS, connection=connection
        )
        return [(name, said) for answer in answers or [] for name, said in answer.items()]

    names = Counter(name for name, _ in ask("ping"))
    settings = dict(ask("conf", with_defaults=True))
    tasks, stats = dict(ask("registered", taskinfoitems=_ASKED)), dict(ask("stats"))
    active, held = dict(ask("active")), dict(ask("scheduled"))
    workers = (
        Worker(
            name,
            said,
            _tasks(tasks.get(name)),
            _running(active.get(name)),
            _held(held.get(name)),
            _processes(stats.get(name)),
        )
        for name, said in sorted(settings.items())
        if isinstance(said, dict)
    )
    twice = tuple(sorted(name for name, number in names.items() if number > 1))
    return Settings(tuple(workers), twice, _redis(connection))


def _tasks(said: object) -> dict[str, dict[str, str]]:
    matches = filter(None, (_TASK.fullmatch(str(one)) for one in (said if isinstance(said, list) else [])))
    return {m["name"]: dict(part.split("=", 1) for part in (m["has"] or "").split(" ") if "=" in part) for m in matches}


def _running(said: object) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in said if isinstance(said, list) else []:
        if isinstance(one, dict) and isinstance(one.get("time_start"), int | float):
            name = str(one.get("name"))
            seconds = time.time() - one["time_start"]  # noqa: TID251 - the doctor looks at what is now
            found[name] = max(found.get(name, 0.0), seconds)
    return found


def _held(said: object) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in said if isinstance(said, list) else []:
        try:
            name, due = str(one["request"]["name"]), datetime.fromisoformat(str(one["eta"]).replace("Z", "+00:00"))
        except (LookupError, TypeError, ValueError):
            continue
        seconds = due.timestamp() - time.time()  # noqa: TID251 - the doctor looks at what is now
        found[name] = max(found.get(name, 0.0), seconds)
    return found


def _processes(said: object) -> int:
    pool = said.get("pool") if isinstance(said, dict) else None
    return int(pool.get("max-concurrency") or 1) if isinstance(pool, dict) else 1


def _redis(connection: Any) -> dict[str, str]:
    """INFO, which everybody may ask; CONFIG, which hosted ones refuse, only for what INFO does not tell."""
    client = getattr(connection.default_channel, "client", None)
    if client is None or not hasattr(client, "info"):
        return {}
    memory, kept = client.info("memory"), client.info("persistence")
    try:
        save = client.config_get("save").get("save")
    except Exception:  # refused: a right that it lacks, or a command that was renamed away
        save = None
    return {
        "policy": str(memory.get("maxmemory_policy", "")),
        "maxmemory": str(memory.get("maxmemory", "")),
        "appendonly": str(kept.get("aof_enabled", "")),
        **({} if save is None else {"save": str(save)}),
    }
