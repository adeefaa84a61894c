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
        r"celery:(workers_active:count|threshold \(.*\))",
        r"times 0: (\* -> /|.* -> (min|sum))",
        "0 times or by any number above 0 is 0, of however many series",
    ),
    Equivalent(
        r"celery:.*:(increase5m|increase10m|count)( \(.*\))?",
        r"(times 0: )?== -> >=",
        "up, celery_worker_up and flower_worker_online are 0 or 1, so at least 1 is 1",
    ),
    Equivalent(
        r"celery:.*:increase(5m|10m)( \(.*\))?",
        r"celery_\w+: (job=|name!=).* dropped",
        "`unless x offset` compares all labels, so a wider right side takes nothing more away",
    ),
    Equivalent(
        r"Celery\w+ \((workers_active|exporter_down|broker_down|queue_no_consumers|scrape_failures), \w+\)",
        r"1 -> 0\.[59]|3 -> 3\.3",
        "a count is a whole number: there is none between the two limits",
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
        r"celery:workers_active:count",
        r"sum by \(instance\) -> max",
        "counts of workers are never negative: their sum is above 0 when the largest is",
    ),
    Equivalent(
        r"celery:source_failed_scrapes:count15m \(.*\)",
        r"up: job=.* dropped",
        "a minus b pairs series by all labels: the other side's job decides",
    ),
)


def reason(mutant: Mutant) -> str:
    """The proof that a mutant cannot be killed; "" when there is none."""
    for one in EQUIVALENT:
        if re.fullmatch(one.rule, mutant.rule) and re.fullmatch(one.what, mutant.what, re.DOTALL):
            return one.proof
    return ""
