"""Scenes to test cases: which share a case, when to look, and what must fire then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from math import ceil, lcm

from generator.cases.feeding import Phase, merged
from generator.cases.model import Case, Check, Scene, Subject
from generator.cases.subjects import Bench, fires
from generator.catalog.signal import Severity


def duration(bench: Bench) -> Fraction:
    """Seconds after which every alert of a subject that is bad from the start fires, and every window is full."""
    _, sure = bench.first_true()
    hold = max(bound.hold for bound in bench.judged.bounds.values())
    window = bench.window
    grain = lcm(120, ceil(bench.plan.site.evaluation))
    return Fraction(ceil((sure + hold + window) / grain) * grain)


def cases(bench: Bench, scenes: Iterable[Scene]) -> tuple[Case, ...]:
    """One case for all scenes of one pace whose subjects a label tells apart, one each for the others.

    promtool evaluates every rule for every case: one case with many subjects costs as much as one with a single one.
    """
    made, together = [], []
    for scene in scenes:
        if scene.alone or bench.named or not bench.judged.signal.by:
            made.append(_case(bench, scene.name, [scene]))
        else:
            together.append(scene)
    shared = [
        _case(bench, "all stories of one pace", list(same))
        for _, same in groupby(sorted(together, key=lambda s: s.step), key=lambda s: s.step)
    ]
    return (*shared, *made)


def _case(bench: Bench, name: str, scenes: Sequence[Scene]) -> Case:
    subjects = [scene.subject for scene in scenes]
    last = duration(bench)
    longest = max((scene.phases for scene in scenes), key=lambda phases: sum(p.steps for p in phases))
    steps = max(sum(p.steps for p in longest), int(last / scenes[0].step) + 1)
    background: Sequence[Phase] = longest if len(scenes) == 1 and longest else [Phase((), steps)]
    checks = tuple(check for one in subjects for check in _checks(bench, one))
    whole = tuple(_check(bench, subjects, last, None))
    return Case(
        name=name,
        step=scenes[0].step,
        inputs=merged((i for s in subjects for i in s.inputs), bench.plan, background),
        checks=(*checks, *whole),
        texts=tuple(check for check in (*whole, *(checks if len(subjects) == 1 else ())) if check.firing)[:1],
        probes=tuple(probe for scene in scenes for probe in scene.probes),
    )


def _checks(bench: Bench, subject: Subject) -> Iterator[Check]:
    """Just before and just after each moment at which something changes; at the end for what must stay silent."""
    for at in sorted({m for m in _moments(bench, subject) if m >= 0} or {duration(bench)}):
        yield from _check(bench, [subject], at, subject)


def _check(bench: Bench, subjects: Sequence[Subject], at: Fraction, only: Subject | None) -> Iterator[Check]:
    """Nothing when windows leave it open whether a subject fires at this moment."""
    states: list[tuple[Subject, Severity, bool | None]] = [
        (subject, severity, fires(subject, severity, bench.judged, at))
        for subject in subjects
        for severity in bench.judged.bounds
    ]
    if all(state is not None for _, _, state in states):
        yield Check(at=at, firing=tuple((who, severity) for who, severity, yes in states if yes), subject=only)
    elif only:
        for who, severity, yes in states:
            if yes is not None:
                yield Check(at=at, firing=((who, severity),) if yes else (), subject=only, severity=severity)


def _moments(bench: Bench, subject: Subject) -> Iterator[Fraction]:
    tick = bench.plan.site.evaluation
    for severity, spell in subject.spells.items():
        bound = bench.judged.bounds[severity]
        yield _on_grid(spell.on_min + bound.hold, tick) - tick
        yield _on_grid(spell.on_max + bound.hold, tick)
        if spell.off_min is not None and spell.off_max is not None:
            yield _on_grid(spell.off_min + bound.keep, tick) - tick
            yield _on_grid(spell.off_max + bound.keep, tick)


def _on_grid(moment: Fraction, tick: Fraction) -> Fraction:
    return ceil(moment / tick) * tick
