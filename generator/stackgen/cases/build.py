"""All cases of one signal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stackgen.cases import copies, limits, silence, special, traffic, truth
from stackgen.cases.assertions import Story, told_together, with_texts
from stackgen.cases.model import Case
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import input_shapes

Made = Callable[[SignalUnderTest], Iterator[Story] | Iterator[Case] | Iterator[Story | Case]]
COMMON: tuple[Made, ...] = (
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
    told = [one for make in _makers(test) for one in make(test)]
    together = told_together(test, [one for one in told if isinstance(one, Story)])
    made = tuple(with_texts(test, (*together, *(one for one in told if isinstance(one, Case)))))
    return tuple(copies.beside(one, test) for one in made) if test.plan.site.copies.labels else made


def _makers(test: SignalUnderTest) -> tuple[Made, ...]:
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
