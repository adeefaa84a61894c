"""`python -m tests.hostile`: thousands of hostile stacks through every real program, each beside a harmless twin."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.hostile.batch import batch, findings

AT_ONCE = 25
"""Stacks of one batch: as many as share the start of a program."""


def main(arguments: Sequence[str]) -> int:
    """Prints what is wrong and how many stacks were judged; 1 when anything is."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--accepted", type=int, default=3000, metavar="N", help="how many accepted stacks to judge")
    parser.add_argument("--seed", type=int, default=0, help="of the first batch; the next has the next one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="batches at once")
    asked = parser.parse_args(arguments)
    accepted, refused, wrong, sections = 0, 0, 0, Counter[str]()
    for done, without, found, has in _batches(asked.seed, asked.accepted, asked.jobs):
        accepted, refused, wrong, sections = accepted + done, refused + without, wrong + len(found), sections + has
        print(*found, sep="\n", end="\n" if found else "", flush=True)
        print(f"{accepted} judged, {refused} refused, {wrong} findings", file=sys.stderr, flush=True)
    print(f"{accepted} accepted stacks judged, {refused} refused, {wrong} findings")
    print(", ".join(f"{name} {count}" for name, count in sections.most_common()))
    return 1 if wrong or not accepted else 0


def _batches(first: int, wanted: int, jobs: int) -> Iterator[tuple[int, int, list[str], Counter[str]]]:
    """One after the other until as many are accepted as are wanted."""
    accepted, number = 0, first
    with ProcessPoolExecutor(jobs) as pool:
        while accepted < wanted:
            for done in pool.map(judged, range(number, number + jobs)):
                accepted += done[0]
                yield done
            number += jobs


def judged(number: int) -> tuple[int, int, list[str], Counter[str]]:
    """How many of a batch were accepted and refused, what is wrong, and how often each section was there."""
    some, refused = batch(number, AT_ONCE)
    return len(some), refused, findings(some), Counter(section for one in some for section in one.spec)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
