"""All cases of one signal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from stackgen.cases import copies, limits, silence, special, traffic, truth
from stackgen.cases.assertions import with_texts
from stackgen.cases.model import Case
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import input_shapes

Cases = Callable[[SignalUnderTest], Iterator[Case]]
COMMON: tuple[Cases, ...] = (
    limits.default_limits,
    limits.own_limits,
    limits.ends,
    limits.missed_scrape,
    traffic.too_little,
    traffic.new_series,
    silence.explained,
    silence.other_queues,
)


def cases(test: SignalUnderTest) -> tuple[Case, ...]:
    """Every generated test of one signal; never empty."""
    made = tuple(with_texts(test, tuple(chain.from_iterable(make(test) for make in _makers(test)))))
    return tuple(copies.beside(one, test) for one in made) if test.plan.site.copies.labels else made


def _makers(test: SignalUnderTest) -> tuple[Cases, ...]:
    match test.signal.shape:
        case input_shapes.Always():
            return (special.always,)
        case input_shapes.Testimony():
            return (truth.contradicted, truth.table)
        case input_shapes.Overdue():
            return (special.overdue,)
        case input_shapes.Tally():
            return (special.tally,)
        case input_shapes.Failures():
            return (special.failed_scrapes,)
        case _:
            return COMMON
