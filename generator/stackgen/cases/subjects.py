"""One subject of a test: what is fed over time for one queue, task or worker, and when each severity must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, lcm

from stackgen.cases.examples import has_examples
from stackgen.cases.feeding import Phase, feed, merged
from stackgen.cases.model import Spell, Subject
from stackgen.cases.shapes import Aim, Feed, Side, Told, tell
from stackgen.catalog import input_shapes, promql
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Severity
from stackgen.catalog.timeline import Input
from stackgen.resolve.plan import Chosen, Judged, Plan

Edge = tuple[int, int]
"""A moment that is known to within windows and bridges, in seconds: surely not before, surely from."""
BEFORE_STEPS = 10
"""Steps fed before the drop, for signals that compare with the past."""


@dataclass(frozen=True)
class Bench:
    """What all cases of one signal share."""

    judged: Judged
    plan: Plan

    @cached_property
    def tick(self) -> int:
        """Seconds between evaluations: promtool's time is their number, so they are no closer than the holds need.

        Two to a hold tell it from half and from twice as long, whatever interval the rules are evaluated at in earnest.
        """
        fine = self.newborn or any(map(has_examples, self.news))
        coarse = 60 if fine else _coarse(self.judged)
        waits = [wait for bound in self.judged.bounds.values() for wait in (bound.hold, bound.keep) if wait]
        return next((t for t in (coarse, 60) if all(wait >= 2 * t for wait in waits)), 30)

    @cached_property
    def news(self) -> tuple[Chosen, ...]:
        """The readings that this signal needs and none before it; the first of a family also takes what none needs."""
        family, judged = self.judged.signal.family, self.plan.judged
        before = judged[: next(i for i, j in enumerate(judged) if j.signal.id == self.judged.signal.id)]
        wanted = {s.name for s in self.judged.signal.needs}
        if all(j.signal.family != family for j in before):
            needed = {s.name for j in judged for s in j.signal.needs}
            wanted |= {n for n, c in self.plan.chosen.items() if n not in needed and c.series.family == family}
        wanted -= {s.name for j in before for s in j.signal.needs}
        return tuple(chosen for name, chosen in self.plan.chosen.items() if name in wanted)

    @cached_property
    def newborn(self) -> tuple[Series, ...]:
        """The family's counters that are born above 0, if their births are told here: where evaluations are closest."""
        family = [j for j in self.plan.judged if j.signal.family == self.judged.signal.family]
        if min(family, key=_coarse).signal.id != self.judged.signal.id:
            return ()
        mine = (c for c in self.plan.chosen.values() if c.series.family == self.judged.signal.family)
        return tuple(c.series for c in mine if _counts_births(c))

    @cached_property
    def alien(self) -> bool:
        """Whether what others expose must be told apart here, as it is nowhere else in the tests of the family."""
        return not all(map(_counts_births, self.news))

    def spell(self, severity: Severity, on: Edge, off: Edge | None = None) -> Spell | None:
        """When an alert fires whose condition holds from `on` to `off`; None when it does not hold for long enough."""
        hold, keep = self._waits[severity]
        if off is None:
            return Spell(*(self._after(moment, hold) for moment in on))
        if off[0] <= on[0] + hold:
            return None
        return Spell(*(self._after(moment, hold) for moment in on), *(self._after(moment, keep) for moment in off))

    @cached_property
    def _waits(self) -> dict[Severity, tuple[int, int]]:
        return {severity: (ceil(bound.hold), ceil(bound.keep)) for severity, bound in self.judged.bounds.items()}

    def _after(self, moment: int, wait: int) -> int:
        """The evaluation that sees what has lasted for `wait` since the first evaluation from this moment on."""
        first = -(-moment // self.tick) * self.tick
        return -(-(first + wait) // self.tick) * self.tick

    @cached_property
    def duration(self) -> int:
        """Seconds after which every alert of a subject that is bad from the start fires, and every window is full."""
        _, sure = self.first_true
        hold = max(hold for hold, _ in self._waits.values())
        grain = lcm(self.step, self.tick)
        return -(-(sure + hold + self.window) // grain) * grain

    @cached_property
    def steps(self) -> int:
        """Samples that outlast every story, also those that end."""
        keep = max(keep for _, keep in self._waits.values())
        return self.duration // self.step + ceil((self.blur + keep + self.tick) / self.step) + 2

    def silent(self, at: int) -> bool | None:
        """False: what is good does not fire at this moment; None while a flow that just began looks like less."""
        if isinstance(self.judged.signal.shape, input_shapes.Drain | input_shapes.Stuck):
            keep = max(keep for _, keep in self._waits.values())
            return None if at < self._after(self.window + self.step, keep) else False
        return False

    @cached_property
    def listed(self) -> dict[Severity, Mapping[str, Fraction]]:
        """The queues or tasks with limits of their own, by severity."""
        return {severity: self.judged.overridden(severity) for severity in self.judged.bounds}

    @property
    def sign(self) -> int:
        """+1 when a value above the limit is bad, else -1."""
        return 1 if self.judged.signal.bad_when == "above" else -1

    @cached_property
    def step(self) -> int:
        """Seconds between samples: five to a window, which `increase` extrapolates without rounding."""
        match self.judged.signal.shape:
            case input_shapes.Share(part=series) | input_shapes.Quantile(series=series):
                return series.window // 5
            case input_shapes.Growth() | input_shapes.Age():
                return self.tick
            case input_shapes.Failures():
                return int(self.plan.site.scrape)
            case _:
                return 60

    @cached_property
    def window(self) -> int:
        """Seconds over which what the signal needs is counted; 0 when it needs levels only."""
        signal = self.judged.signal
        counted = [
            s.window
            for s in signal.needs
            if s.kind == "counter" or s.warmup or isinstance(signal.shape, input_shapes.Growth)
        ]
        return max(counted, default=0)

    @cached_property
    def bridge(self) -> int:
        """Seconds for which a level outlives its last sample."""
        return ceil(self.plan.site.bridged)

    @cached_property
    def blur(self) -> int:
        """Seconds by which windows and bridges may delay the end of a condition."""
        return self.window + self.bridge + self.step

    def limits(self, who: str) -> dict[Severity, Fraction | None]:
        """Each severity's limit for one queue or task."""
        name = self.called(who)
        return {
            severity: self.listed[severity].get(name, bound.threshold) for severity, bound in self.judged.bounds.items()
        }

    def tell(self, who: str, limit: Fraction, side: Side) -> Told | None:
        """What to feed for one side of a limit, with so much traffic that no guard has a say."""
        least = max((least for s in self.judged.bounds for _, least in self.judged.guards(s)), default=0)
        return tell(self.judged.signal.shape, self.labels(who), Aim(limit, side, self.sign, least), self.plan.site)

    def crossed(self, value: Fraction | float, limits: Mapping[Severity, Fraction | None]) -> tuple[Severity, ...]:
        """The severities whose limit this value crosses."""
        return tuple(s for s, limit in limits.items() if limit is not None and self.sign * value > self.sign * limit)

    @cached_property
    def first_true(self) -> tuple[int, int]:
        """When the condition of a subject that is bad from the start begins to hold: (surely not before, surely by)."""
        warmup = max((s.warmup for s in self.judged.signal.needs), default=0)
        match self.judged.signal.shape:
            case input_shapes.Growth():
                return 0, 2 * self.step
            case input_shapes.Fleet():
                start = BEFORE_STEPS * self.step
                return start, start + self.bridge + self.step
            case input_shapes.Share() | input_shapes.Quantile() | input_shapes.Drain():
                return self.step, self.step + self.tick
            case input_shapes.Age():
                return 0, 0
            case input_shapes.Failures():
                most = ceil(
                    max((b.threshold for b in self.judged.bounds.values() if b.threshold is not None), default=0)
                )
                return most * self.step, (most + 1) * self.step
            case input_shapes.Value(series=series) | input_shapes.Stuck(length=series) if (
                series.kind == "gauge" and not warmup
            ):
                return 0, self.tick
            case _:
                return 0, self.step + warmup

    def subject(
        self, name: str, told: Told, phases: Sequence[Phase], on: Edge | None = None, off: Edge | None = None
    ) -> Subject:
        """A subject fed with these phases whose bad value is `told` from `on` to `off`."""
        limits = self.limits(name)
        start, sure = self.first_true
        warmup = max((s.warmup for s in self.judged.signal.needs), default=0)

        spells: dict[Severity, Spell] = {}
        for severity in self.crossed(told.value, limits):
            # A level counted from 0 is short of a limit that it hardly crosses until its window is full.
            late = warmup if told.value <= (limits[severity] or 0) * Fraction(101, 100) else 0
            held = self.spell(severity, on or (start + late, sure), off)
            if held:
                spells[severity] = held
        return Subject(
            name=name,
            labels=self.labels(name),
            inputs=feed(phases, self.plan, self.step),
            spells=spells,
            value=float(told.value),
            limits=limits,
        )

    @cached_property
    def _told(self) -> dict[str, frozenset[str]]:
        return {}

    def recorded(self, one: Feed) -> dict[str, str]:
        """The labels of the canonical series: those that the chosen source tells."""
        name = one.series.name
        if name not in self._told:
            reading = self.plan.chosen[name].reading
            fixed = {label for rule in reading.rules(self.plan.site) for label in rule.labels}
            seen = {text for each in feed([Phase((one,), 1)], self.plan, 60) for text in each.labels.values()}
            self._told[name] = frozenset(label for label, text in one.labels.items() if label in fixed or text in seen)
        return {label: text for label, text in one.labels.items() if label in self._told[name]}

    def scraped(self, inputs: Iterable[Input], phases: Sequence[Phase]) -> tuple[Input, ...]:
        """The inputs with `up` of every job that they or the signal's own series come from."""
        made = tuple(inputs)
        jobs = {one.labels.get("job") for one in made} | {
            self.plan.chosen[s.name].source.job for s in self.judged.signal.needs
        }
        everyone = self.judged.signal.family == "stack"
        wanted = (s.source.job for s in self.plan.scraped if everyone or s.source.job in jobs)
        return merged(made, wanted, self.plan.site, phases)

    def labels(self, name: str) -> dict[str, str]:
        """The subject's labels: its name under each label of the signal."""
        return dict.fromkeys(self.judged.signal.by, self.called(name))

    def called(self, name: str) -> str:
        """The value of a subject's labels: its name where the label can take any value."""
        possible = self.judged.signal.only_names(self.plan.site)
        if possible and name not in possible:
            return next((n for n in possible if n not in self.judged.overrides), possible[0])
        if self.judged.signal.by == ("worker",):
            source = self.plan.chosen[self.judged.signal.needs[0].name].source.id
            return promql.matching(self.plan.site.match.get(source, "*"), name)
        return name

    @property
    def single(self) -> bool:
        """Whether each story needs a case of its own, for no label with any value tells subjects apart."""
        return not self.judged.signal.by or bool(self.judged.signal.only_names(self.plan.site))

    @property
    def worst(self) -> Severity:
        """The last severity."""
        return tuple(self.judged.bounds)[-1]


def _counts_births(chosen: Chosen) -> bool:
    return chosen.series.kind == "counter" and any(metric.born == "first value" for metric in chosen.reading.uses)


def _coarse(judged: Judged) -> int:
    """Seconds between evaluations that are close enough for the windows; finer ones only cost time."""
    match judged.signal.shape:
        case input_shapes.Share(part=series):
            return series.window // 5
        case input_shapes.Fleet():
            return 120
        case _:
            return 60
