"""Scenes to test cases: which share a case, when to look, and what must fire then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from stackgen.cases.feeding import Phase
from stackgen.cases.model import Case, Check, How, Scene, Subject
from stackgen.cases.subjects import Bench
from stackgen.catalog.signal import Severity


def cases(bench: Bench, scenes: Iterable[Scene]) -> tuple[Case, ...]:
    """One case for all scenes of one pace whose subjects a label tells apart, one each for the others.

    promtool evaluates every rule for every case: one case with many subjects costs as much as one with a single one.
    """
    made, together = [], []
    for scene in scenes:
        if scene.alone or bench.single:
            made.append(_case(bench, scene.name, [scene]))
        else:
            together.append(scene)
    shared = [
        _case(bench, "all stories of one pace", list(same))
        for _, same in groupby(sorted(together, key=lambda s: s.step), key=lambda s: s.step)
    ]
    return tuple(_with_texts((*shared, *made)))


def _case(bench: Bench, name: str, scenes: Sequence[Scene]) -> Case:
    subjects = [scene.subject for scene in scenes]
    last = bench.duration
    longest = max((scene.phases for scene in scenes), key=lambda phases: sum(p.steps for p in phases))
    steps = max(sum(p.steps for p in longest), last // scenes[0].step + 1)
    background: Sequence[Phase] = longest if len(scenes) == 1 and longest else [Phase((), steps)]
    moments = {last, *(moment for one in subjects for moment in _moments(bench, one) if moment >= 0)}
    return Case(
        name=name,
        step=scenes[0].step,
        inputs=bench.scraped((i for s in subjects for i in s.inputs), background),
        checks=tuple(check for at in sorted(moments) for check in _checks(bench, subjects, at, whole=at == last)),
        probes=tuple(probe for scene in scenes for probe in scene.probes),
    )


def _checks(bench: Bench, subjects: Sequence[Subject], at: int, *, whole: bool) -> Iterator[Check]:
    """What fires at this moment among those of whom windows do not leave it open."""
    sure: list[tuple[Subject, Severity]] = []
    unsure: list[Subject] = []
    for one in subjects:
        spells = ((severity, one.spells.get(severity)) for severity in bench.judged.bounds)
        states = [(severity, spell.fires(at) if spell else bench.silent(at)) for severity, spell in spells]
        if all(yes is not None for _, yes in states):
            sure += [(one, severity) for severity, yes in states if yes]
            continue
        unsure.append(one)
        for severity, yes in states:
            if yes is not None and at in _moments(bench, one):
                firing = ((one, severity),) if yes else ()
                yield Check(at=at, firing=firing, subject=one, severity=severity)
    if len(unsure) < len(subjects):
        how: How = "listed" if whole else "counted"
        yield Check(at=at, firing=tuple(sure), without=tuple(unsure), how=how)


def _with_texts(made: Sequence[Case]) -> Iterator[Case]:
    """Texts are compared once for each severity, where the fewest alerts fire: they are long."""
    looks = [check for case in made for check in case.checks if not check.without and not check.subject]
    chosen: dict[Severity, Check] = {}
    for check in sorted(looks, key=lambda check: len(check.firing)):
        for _, severity in check.firing:
            chosen.setdefault(severity, check)
    for case in made:
        worded = (
            check._replace(how="worded") if any(check is one for one in chosen.values()) else check
            for check in case.checks
        )
        yield case._replace(checks=tuple(worded))


def _moments(bench: Bench, subject: Subject) -> Iterator[int]:
    """Just before and just after each moment at which something changes."""
    for spell in subject.spells.values():
        yield spell.earliest - bench.tick
        yield spell.surely
        if spell.ending is not None and spell.gone is not None:
            yield spell.ending - bench.tick
            yield spell.gone
