"""Cases of the few signals that no common shape fits: the watchdog, failed scrapes, overdue tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from generator.cases.feeding import Phase
from generator.cases.model import Scene, Spell, Subject
from generator.cases.shapes import Aim, Feed, Told, tell
from generator.cases.subjects import Bench
from generator.catalog import drive
from generator.catalog.timeline import Gauge, Segment

AGO = Fraction(900)
"""Seconds from the test's start until the overdue task's period ends."""


def always(bench: Bench) -> Iterator[Scene]:
    """The watchdog fires at once and goes on, whatever else happens."""
    spell = Spell(on_min=Fraction(0), on_max=Fraction(0))
    limits = dict.fromkeys(bench.judged.bounds)
    one = Subject(
        name="", labels={}, inputs=(), spells=dict.fromkeys(bench.judged.bounds, spell), value=1, limits=limits
    )
    yield Scene(name="always fires", subject=one, phases=(), step=bench.step)


def failures(bench: Bench) -> Iterator[Scene]:
    """As many failed scrapes as the limit are silent, one more is not, and good scrapes end it."""
    for severity, bound in bench.judged.bounds.items():
        for side, words in ((0, "exactly at"), (1, "just beyond")):
            shape = bench.judged.signal.drive
            if bound.threshold is None:
                continue
            labels = bench.labels(severity)
            told = tell(shape, labels, Aim(bound.threshold, 1 if side else 0), bench.plan.site)
            if told is None:
                continue
            down = int(told.feeds[0].amount)
            last = (down - 1) * bench.step
            spell = {"on_min": last, "on_max": last, "off_min": Fraction(900), "off_max": last + 900 + bench.step}
            phases = (Phase(told.feeds, down + 60),)
            one = bench.subject(severity, told, phases, **spell)
            yield Scene(name=f"{words} {severity}", subject=one, phases=phases, step=bench.step)


def overdue(bench: Bench) -> Iterator[Scene]:
    """A task is overdue from the moment its period ends, and not while it succeeds."""
    shape = bench.judged.signal.drive
    if not isinstance(shape, drive.Overdue):
        return
    for severity in bench.judged.bounds:
        (who, period), *others = bench.judged.overridden(severity).items()
        tick = bench.plan.site.evaluation
        last = (
            Gauge("celery:task_last_success:timestamp", {"task": who}, (Segment(AGO - period, 1),)),
            # The clock of every other task starts after the test's end.
            *(
                Gauge("celery:task_last_success:timestamp", {"task": other}, (Segment(AGO * 4, 1),))
                for other, _ in others
            ),
        )
        late = Fraction(AGO + tick)
        told = Told((), period + tick)
        phases = (Phase((), 60),)
        one = replace(bench.subject(who, told, phases, on_min=late, on_max=late), inputs=last)
        yield Scene(name="the period ends without a success", subject=one, phases=phases, step=bench.step, alone=True)
        flow = Told((Feed(shape.series, {"task": who, **shape.labels}, Fraction(100)),), Fraction(0))
        steady = (Phase(flow.feeds, 60),)
        fed = bench.subject(who, flow, steady)
        fine = replace(fed, inputs=(*fed.inputs, *last))
        yield Scene(name="it succeeds in time", subject=fine, phases=steady, step=bench.step, alone=True)
