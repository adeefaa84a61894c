"""The stories of one signal: its limits, its hold, gaps, births, too little traffic, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain

from stackgen.cases import assemble, births, edges, lives, probes, shapes
from stackgen.cases.feeding import Phase, feed
from stackgen.cases.model import Case, Scene
from stackgen.cases.shapes import Aim, Feed, Told, tell
from stackgen.cases.special import always, clocks, failures, overdue
from stackgen.cases.subjects import BEFORE_STEPS, Bench
from stackgen.cases.traffic import guards
from stackgen.catalog import input_shapes

SIDES: tuple[tuple[shapes.Side, str], ...] = ((-1, "just inside"), (0, "exactly at"), (1, "just beyond"))


def cases(bench: Bench) -> tuple[Case, ...]:
    """Every generated test of one signal; never empty."""
    extra = (
        lives.outage,
        lives.idle,
        lives.bends,
        births.newborn,
        lives.worlds,
        edges.other_kind,
        edges.shares,
        edges.fleets,
        edges.own_limits,
        clocks,
    )
    return (*assemble.cases(bench, _scenes(bench)), *chain.from_iterable(stories(bench) for stories in extra))


def _scenes(bench: Bench) -> Iterator[Scene]:
    match bench.judged.signal.shape:
        case input_shapes.Always():
            yield from always(bench)
        case input_shapes.Overdue():
            yield from overdue(bench)
        case input_shapes.Failures():
            yield from failures(bench)
        case _:
            for stories in (_limits, _overrides, _ends, _missed, guards, _silent):
                yield from stories(bench)


def _limits(bench: Bench) -> Iterator[Scene]:
    """Each default limit from both sides."""
    ends = bench.single and not isinstance(bench.judged.signal.shape, input_shapes.Fleet)
    for severity, bound in bench.judged.bounds.items():
        if bound.threshold is not None and bench.limits("")[severity] == bound.threshold:
            for side, words in SIDES:
                if side and ends and severity == bench.worst:
                    continue  # "ends when good again" says the same, and here each story is a case of its own
                noisy = side == (1 if bench.sign > 0 else 0) and severity == bench.worst
                yield from _steady(bench, f"{words} {severity}", (bound.threshold, side), noisy=noisy)


def _overrides(bench: Bench) -> Iterator[Scene]:
    """One queue or task that has a limit of its own, for each severity; which one does not matter to the rule."""
    for severity in bench.judged.bounds:
        for who, limit in list(bench.listed[severity].items())[:1]:
            for side, words in SIDES[1:]:
                name = f"own limit of one {bench.judged.signal.overrides}, {words} {severity}"
                yield from _steady(bench, name, (limit, side), who, noisy=side == 1)


def _steady(
    bench: Bench, name: str, where: tuple[Fraction, shapes.Side], who: str = "", *, noisy: bool
) -> Iterator[Scene]:
    limit, side = where
    subject = who or name
    told = bench.tell(subject, limit, side)
    if told:
        told = probes.spread(bench, told) if side == 1 else told._replace(feeds=tuple(map(probes.complete, told.feeds)))
        before = (Phase(told.before, BEFORE_STEPS),) if told.before else ()
        phases = (*before, Phase(told.feeds, bench.steps))
        one = bench.subject(subject, told, phases)
        scene = Scene(name=name, subject=one, phases=phases, step=bench.step, alone=bool(who))
        yield _looked_at(bench, scene, told) if noisy else scene


def _looked_at(bench: Bench, scene: Scene, told: Told) -> Scene:
    """The same scene with noise beside it, and a look at each series that is fed and at the value itself."""
    last, one = bench.duration, scene.subject
    looks = (*probes.of(bench, told.feeds, last), *probes.value(bench, one.name, told.value, last))
    steps = sum(phase.steps for phase in scene.phases)
    beside = feed((Phase(probes.outside(bench, told), steps),), bench.plan, scene.step)
    noisy = probes.noisy(one.inputs, bench.plan) if bench.alien else one.inputs
    inputs = (*noisy, *beside, *probes.strays(bench, one.name, steps), *probes.other_alerts(bench, steps))
    return scene._replace(subject=one._replace(inputs=inputs), probes=looks)


def _worst(bench: Bench, name: str) -> tuple[str, Told, bool] | None:
    """A subject beyond the last severity's limit: (its name, what to feed, whether the name is a user's)."""
    for severity in reversed(tuple(bench.judged.bounds)):
        limit, who = bench.limits(name)[severity], name
        if limit is None:
            who, limit = next(iter(bench.listed[severity].items()))
        told = bench.tell(who, limit, 1)
        if told:
            return who, told, who != name
    return None


def _ends(bench: Bench) -> Iterator[Scene]:
    """The alert ends when the value is good again, and when the series is gone."""
    signal = bench.judged.signal
    bad = bench.duration // bench.step + 1
    tail = bench.steps - bad
    off = bad * bench.step
    stories = ["ends when good again"]
    if signal.family != "stack" and signal.by:
        stories.append("ends when gone")
    for story in stories:
        worst = None if isinstance(signal.shape, input_shapes.Fleet) else _worst(bench, story)
        if worst:
            who, told, taken = worst
            good = _recovered(bench, who) if story == stories[0] else None
            if good or story != stories[0]:
                if good and bench.single:
                    told, good = probes.spread(bench, told), probes.spread(bench, good)
                phases = (Phase(told.feeds, bad), Phase(good.feeds if good else None, tail))
                one = bench.subject(who, told, phases, off=(off, off + bench.blur))
                scene = Scene(name=story, subject=one, phases=phases, step=bench.step, alone=taken)
                yield _looked_at(bench, scene, told) if good and bench.single else scene


def _recovered(bench: Bench, who: str) -> Told | None:
    limits = [limit for limit in bench.limits(who).values() if limit is not None]
    easiest = min(limits) if bench.sign > 0 else max(limits)
    # Just inside where that exists; at half the limit where the step to the inside is larger than the limit itself.
    return bench.tell(who, easiest, -1) or bench.tell(who, easiest / 2, 0) or bench.tell(who, easiest, 0)


def _missed(bench: Bench) -> Iterator[Scene]:
    """A failed scrape in the middle of the hold writes stale markers; the alert must still fire on time."""
    name, step = "one missed scrape", bench.tick
    hold = max(bound.hold for bound in bench.judged.bounds.values())
    worst = _worst(bench, name)
    plain = isinstance(bench.judged.signal.shape, input_shapes.Value)
    if not plain or worst is None or bench.judged.signal.family == "stack" or hold < 4 * step:
        return
    who, told, _ = worst
    middle = int(hold / step / 2)
    rest = bench.duration // step - middle
    first = Phase(told.feeds, middle)
    phases = (first, first._replace(steps=1, missed=True), first._replace(steps=rest))
    one = bench.subject(who, told, phases)._replace(inputs=feed(phases, bench.plan, step))
    yield Scene(name=name, subject=one, phases=phases, step=step, alone=True)


def _silent(bench: Bench) -> Iterator[Scene]:
    """A value that looks bad and must stay silent because of something else."""
    signal, name = bench.judged.signal, "something else explains it"
    worst = _worst(bench, name)
    if worst is None:
        return
    who, told, taken = worst
    feeds: tuple[Feed, ...] = ()
    match signal.shape:
        case input_shapes.Value(silenced_by=silenced) if silenced:
            feeds = (told.feeds[0], *(Feed(series, bench.labels(who), amount) for series, amount in silenced))
        case input_shapes.Stuck(started=flow):
            feeds = (told.feeds[0], Feed(flow, bench.labels(who), Fraction(1, 2)))
        case input_shapes.Drain(started=flow):  # nothing starts: that is another alert's
            feeds = (told.feeds[0], Feed(flow, bench.labels(who), Fraction(0)))
        case _ if signal.silent_under:
            hidden = tell(signal.silent_under, {"task": "fails"}, Aim(Fraction(1, 2), 1), bench.plan.site)
            feeds = hidden.feeds if hidden else ()
        case _:
            return
    if feeds:
        phases = (Phase(feeds, bench.steps),)
        one = bench.subject(who, told, phases)._replace(spells={})
        looks = () if signal.unless else tuple(probes.value(bench, who, None, bench.duration))
        yield Scene(name=name, subject=one, phases=phases, step=bench.step, alone=taken, probes=looks)
