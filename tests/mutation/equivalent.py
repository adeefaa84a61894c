"""Mutants that no test can kill because they mean the same, each with the proof."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.mutation.mutants import Mutant


class Equivalent(NamedTuple):
    """Mutants whose rule and change fully match these patterns are the same rule in other words, by this proof."""

    rule: str
    what: str
    proof: str


EQUIVALENT = (
    Equivalent(
        r"celery:task_\w+:ratio10m",
        r"times 0: (\* -> /|.* dropped|.* -> max)",
        "0 times or by anything is 0, and where the whole has no events the division has no result anyway",
    ),
    Equivalent(
        r"celery:(workers_active:count|task_last_success:timestamp|threshold(_override)? \(.*\))",
        r"times 0: (\* -> /|.* -> (min|sum))",
        "0 times or by any number above 0 is 0, of however many series",
    ),
    Equivalent(
        r"celery:.*:(increase5m|increase10m|count|new)( \(.*\))?",
        r"(times 0: )?== -> >=",
        "up, celery_worker_up and flower_worker_online are 0 or 1, so at least 1 is 1",
    ),
    Equivalent(
        r"celery:.*:increase(5m|10m)( \(.*\))?",
        r"(celery|flower)_\w+: (job=|queue(_name)?!~|name!|task!~|type=|state=~).* dropped",
        "`unless x offset` compares all labels, so a wider right side takes nothing more away",
    ),
    Equivalent(
        r"celery:tasks:new( \(.*\))?",
        r"(celery|flower)_\w+: (job=|queue(_name)?!~|name!|task!~|type=|state=~).* dropped",
        "a difference pairs its sides by all labels: either side alone leaves out the others",
    ),
    Equivalent(
        r"celery:worker_(cpu:ratio5m|memory:ratio|start:timestamp)",
        r"container_\w+: name=~.* dropped|namedprocess_\w+: groupname=~.* dropped",
        "a quotient, as an `and`, pairs its sides by worker: the name on the other side decides",
    ),
    Equivalent(
        r"(Celery\w+|celery:threshold_override) \((workers_\w+|exporter_down|broker_down|queue_no_consumers"
        r"|scrape_failures|queue_stuck|queue_workers|beat_active), .*\)",
        r"(1 -> 0\.[59]|2 -> 1\.8|3 -> (2\.7|3\.3)|4 -> 3\.6|7 -> 7\.7)",
        "a count is a whole number: there is none between the two limits",
    ),
    Equivalent(
        r"celery:queue_workers:count",
        r"max by \(queue\) -> sum",
        "of the two it is that of the witnesses' words, which are 0 or 1: their sum is 0 where the largest is",
    ),
    Equivalent(
        r"celery:queue_oldest:seconds",
        r"1000000000000 -> .*|< -> <=",
        "the comparison takes NaN away, which is no number's equal; no message was sent in the year 17813 or later",
    ),
    Equivalent(
        r"celery:events_unheard:bool \(.*\)",
        r"count by \(\) -> max|== -> >=|celery_\w+: job=.* dropped",
        "1 is made of any number, `unless` asks for any, up is 0 or 1, and a comparison pairs its sides by job too",
    ),
    Equivalent(
        r"celery:source_blind:bool \(task events of .*\)",
        r"max by \(\) -> (min|sum)",
        "of one source one series alone says that it hears nothing",
    ),
    Equivalent(
        r"celery:queues_stuck:length",
        r"count by \(\) -> max",
        "`unless` asks for any, and every number of falls is above 0",
    ),
    Equivalent(
        r"CeleryBeatTwice .*",
        r"1 -> 1\.1",
        "beats are whole: what is above 1 is above 1.1",
    ),
    Equivalent(
        r"Celery.*",
        r"labels\.(stack|environment) removed",
        "the series that is judged carries the label already, and an alert keeps the labels of its series",
    ),
    Equivalent(
        r"CeleryWatchdog .*",
        r"1 -> .*",
        "the watchdog's value is compared with nothing and shown nowhere",
    ),
    Equivalent(
        r"CeleryTaskWaitTooLong .*",
        r'.*: le="\+Inf" dropped',
        "buckets are cumulative: when any of them has that many, +Inf has",
    ),
    Equivalent(
        r"celery:(workers_active:count|task_last_success:timestamp)",
        r"sum by \(\w+\) -> max",
        "counts are never negative: their sum is above 0 when the largest is",
    ),
    Equivalent(
        r"celery:(workers_active:count|worker_start:timestamp)",
        r"max by \(worker\) -> sum",
        "numbers of processes are never negative: their sum is above 0 when the largest is",
    ),
    Equivalent(
        r"CeleryScrapesFailing .*",
        r"8 -> 8\.8",
        "failed scrapes are whole numbers: what is above 8 is above 8.8",
    ),
    Equivalent(
        r"celery:(threshold \(.*\)|task_last_success:timestamp)",
        r"max by \(\w+\) -> (min|sum)",
        "one series for each queue or task: the aggregation only takes labels away",
    ),
    Equivalent(
        r"celery:threshold \(.*\)|CeleryQueueBacklog .*|CeleryDeadLetters .*",
        r"(times 0: )?celery:queue_length:max: queue(=|!=|=~|!~).* dropped",
        "limits exist for, and alerts look at, the same queues: either alone leaves out the others",
    ),
    Equivalent(
        r"celery:task_last_success:timestamp",
        r"0 -> 1",
        "the time of an evaluation is above 1 as it is above 0, from the second on",
    ),
    Equivalent(
        r"celery:threshold \(queue_stuck, warning\)|celery:task_last_success:timestamp",
        r"\+ -> -",
        "0 is added, or in a test the time at its start, which is 0",
    ),
    Equivalent(
        r"celery:task_last_success:timestamp",
        r"celery:task_last_success:timestamp: \[1d\] -> .*|last_over_time removed",
        "differs only after Prometheus paused; promtool evaluates at every step and cannot pause",
    ),
)


def reason(mutant: Mutant) -> str:
    """The proof that a mutant cannot be killed; "" when there is none."""
    for one in EQUIVALENT:
        if re.fullmatch(one.rule, mutant.rule) and re.fullmatch(one.what, mutant.what, re.DOTALL):
            return one.proof
    return ""
