"""Settings of workers and broker under which work is lost, done twice, or never seen to end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stackgen.catalog import promql
from stackgen.doctor.finding import Finding
from stackgen.doctor.settings_seen import Settings, Worker

VISIBILITY_SECONDS = 3600
"""What Redis's transport waits for an acknowledgement by default (kombu 5.7, transport/redis.py)."""


def check(seen: Settings) -> Iterator[Finding]:
    """Every setting that is dangerous, with its evidence."""
    for worker in seen.workers:
        yield from _prefetch(worker)
        yield from _limits(worker)
        if seen.redis:
            yield from _visibility(worker)
        yield from _results(worker)
        yield from _clock(worker)
    yield from _names(seen)
    yield from _redis(seen)


def _late(worker: Worker) -> list[str]:
    """Its tasks that are acknowledged when they end."""
    everywhere = str(worker.settings.get("task_acks_late"))
    return [name for name, has in worker.tasks.items() if has.get("acks_late", everywhere) == "True"]


def _prefetch(worker: Worker) -> Iterator[Finding]:
    times, late = worker.settings.get("worker_prefetch_multiplier"), _late(worker)
    if not late or times == 1:
        return
    held = f"{times} × {worker.processes} = {times * worker.processes}" if times else "as many messages as there are"
    yield Finding(
        "acks-late-prefetch",
        f"{worker.name} acknowledges {_some(late)} late and holds {held} messages "
        f"(worker_prefetch_multiplier {times}), "
        "which wait behind a long task, and are all delivered again when it is lost",
        "set worker_prefetch_multiplier = 1 where task_acks_late is on",
    )


def _limits(worker: Worker) -> Iterator[Finding]:
    settings = worker.settings
    if settings.get("task_time_limit") or settings.get("task_soft_time_limit") or not worker.tasks:
        return
    bare = [n for n, has in worker.tasks.items() if not ({"time_limit", "soft_time_limit"} & has.keys())]
    if len(bare) == len(worker.tasks):
        yield Finding(
            "no-time-limit",
            f"{worker.name} ends none of its {len(bare)} tasks: one that hangs holds a process of {worker.processes} "
            "for ever (task_time_limit and task_soft_time_limit are not set, nor time_limit of a task)",
            "set task_time_limit, longer than the longest task, and task_soft_time_limit a little shorter",
        )


def _visibility(worker: Worker) -> Iterator[Finding]:
    options = worker.settings.get("broker_transport_options")
    given: Any = options.get("visibility_timeout") if isinstance(options, dict) else None
    timeout = float(given) if isinstance(given, int | float) else float(VISIBILITY_SECONDS)
    longest, name, how = max(_lengths(worker), default=(0.0, "", ""))
    if longest < timeout:
        return
    yield Finding(
        "visibility-timeout",
        f"{worker.name}: {name} {how} {promql.seconds(int(longest))}, and Redis's visibility timeout is "
        f"{promql.seconds(int(timeout))}: it is delivered to another worker meanwhile, again and again",
        'set broker_transport_options = {"visibility_timeout": …} longer than any task and ETA, in workers and senders',
    )


def _lengths(worker: Worker) -> Iterator[tuple[float, str, str]]:
    """How long its messages stay unacknowledged: of late tasks while they run, of all until their ETA."""
    for name, seconds in worker.held.items():
        yield seconds, name, "waits in it for its ETA for another"
    everywhere = worker.settings.get("task_time_limit")
    for name in _late(worker):
        limit = worker.tasks[name].get("time_limit", everywhere)
        if limit is not None and str(limit).replace(".", "", 1).isdecimal():
            yield float(limit), name, "may run for"
        if name in worker.running:
            yield worker.running[name], name, "has run for"


def _results(worker: Worker) -> Iterator[Finding]:
    settings = worker.settings
    if settings.get("result_backend") and not settings.get("result_expires") and not settings.get("task_ignore_result"):
        yield Finding(
            "results-kept",
            f"{worker.name} keeps results for ever (result_expires {settings.get('result_expires')}): "
            "the result backend grows until it is full",
            "set result_expires, such as 3600, or task_ignore_result = True",
        )


def _clock(worker: Worker) -> Iterator[Finding]:
    if worker.settings.get("enable_utc") is False:
        yield Finding(
            "utc-off",
            f"{worker.name} has enable_utc False: times in messages are local, and a sender in another zone, or the "
            "change of the clocks, moves ETAs and expiry by hours",
            "set enable_utc = True in workers and senders; `timezone` may stay",
        )


def _names(seen: Settings) -> Iterator[Finding]:
    for name in seen.twice:
        yield Finding(
            "node-name-twice",
            f"more than one worker is called {name}: they answer each other's remote control, and are one in all "
            "metrics and heartbeats",
            "give each its own, with `-n w1@%h`",
        )


def _redis(seen: Settings) -> Iterator[Finding]:
    redis = seen.redis
    if not redis:
        return
    if redis.get("policy", "noeviction") not in ("noeviction", ""):
        yield Finding(
            "redis-evicts",
            f"Redis has maxmemory-policy {redis['policy']} (maxmemory {redis.get('maxmemory')}): when it is full it "
            "throws queues and unacknowledged messages away, and nobody is told",
            "set maxmemory-policy noeviction for the broker; give caches a Redis of their own",
        )
    if redis.get("appendonly") == "0" and redis.get("save") == "":
        yield Finding(
            "redis-forgets",
            "Redis keeps nothing on disk (appendonly no, save empty): a restart loses every message",
            "set appendonly yes, or save, for the broker",
        )


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more tasks"
