"""One subject of a test: what is fed over time for one queue, task or worker, and when each severity must hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from generator.cases.feeding import Phase, feed
from generator.cases.model import Spell, Subject
from generator.cases.shapes import Aim, Side, Told, tell
from generator.catalog import drive, promql
from generator.catalog.signal import Severity
from generator.resolve.plan import Judged, Plan

BEFORE_STEPS = 10
"""Steps fed before the drop, for signals that compare with the past."""


@dataclass(frozen=True)
class Bench:
    """What all cases of one signal share."""

    judged: Judged
    plan: Plan

    @property
    def sign(self) -> int:
        """+1 when a value above the limit is bad, else -1."""
        return 1 if self.judged.signal.bad_when == "above" else -1

    @property
    def step(self) -> Fraction:
        """Seconds between samples: five to a window, which `increase` extrapolates without rounding."""
        match self.judged.signal.drive:
            case drive.Share(part=series) | drive.Quantile(series=series):
                return Fraction(series.window, 5)
            case drive.Growth() | drive.Age():
                return self.plan.site.evaluation
            case drive.Failures():
                return self.plan.site.scrape
            case _:
                return Fraction(60)

    @property
    def window(self) -> int:
        """Seconds over which what the signal needs is counted; 0 when it needs levels only."""
        signal = self.judged.signal
        counted = [
            s.window for s in signal.needs if s.drive == "flow" or s.warmup or isinstance(signal.drive, drive.Growth)
        ]
        return max(counted, default=0)

    @property
    def blur(self) -> Fraction:
        """Seconds by which windows and bridges may delay the end of a condition."""
        return Fraction(self.window) + max(3 * self.plan.site.scrape, Fraction(90)) + self.step

    def limits(self, who: str) -> dict[Severity, Fraction | None]:
        """Each severity's limit for one queue or task."""
        return {
            severity: self.judged.overridden(severity).get(self.called(who), bound.threshold)
            for severity, bound in self.judged.bounds.items()
        }

    def tell(self, who: str, limit: Fraction, side: Side) -> Told | None:
        """What to feed for one side of a limit, with so much traffic that no guard has a say."""
        least = max((least for s in self.judged.bounds for _, least in self.judged.guards(s)), default=0)
        return tell(self.judged.signal.drive, self.labels(who), Aim(limit, side, self.sign, least), self.plan.site)

    def crossed(self, value: Fraction | float, limits: Mapping[Severity, Fraction | None]) -> tuple[Severity, ...]:
        """The severities whose limit this value crosses."""
        return tuple(s for s, limit in limits.items() if limit is not None and self.sign * value > self.sign * limit)

    def first_true(self) -> tuple[Fraction, Fraction]:
        """When the condition of a subject that is bad from the start begins to hold: (surely not before, surely by)."""
        warmup = max((s.warmup for s in self.judged.signal.needs), default=0)
        match self.judged.signal.drive:
            case drive.Growth():
                return Fraction(0), 2 * self.step
            case drive.Fleet():
                start = BEFORE_STEPS * self.step
                return start, start + max(3 * self.plan.site.scrape, Fraction(90)) + self.step
            case drive.Share() | drive.Quantile() | drive.Drain():
                return self.step, self.step + self.plan.site.evaluation
            case drive.Age():
                return Fraction(0), Fraction(0)
            case drive.Level(series=series) | drive.Stuck(length=series) if series.drive == "level" and not warmup:
                return Fraction(0), self.plan.site.evaluation
            case _:
                return Fraction(0), self.step + warmup

    def subject(self, name: str, told: Told, phases: Sequence[Phase], **spell: Fraction) -> Subject:
        """A subject fed with these phases whose bad value is `told`; `spell` may narrow when it holds."""
        limits = self.limits(name)
        start, sure = self.first_true()
        warmup = max((s.warmup for s in self.judged.signal.needs), default=0)

        def held(limit: Fraction) -> Spell:
            # A level counted from 0 is short of a limit that it hardly crosses until its window is full.
            late = warmup if told.value <= limit * Fraction(101, 100) else 0
            return Spell(
                on_min=spell.get("on_min", start + late),
                on_max=spell.get("on_max", sure),
                off_min=spell.get("off_min"),
                off_max=spell.get("off_max"),
            )

        crossed = self.crossed(told.value, limits)
        step = spell.get("step", self.step)
        return Subject(
            name=name,
            labels=self.labels(name),
            inputs=feed(phases, self.plan, step),
            spells={severity: held(limit) for severity in crossed if (limit := limits[severity]) is not None},
            value=float(told.value),
            limits=limits,
        )

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
    def named(self) -> bool:
        """Whether the label cannot take any value, so that each story needs a case of its own."""
        return bool(self.judged.signal.only_names(self.plan.site))


def fires(subject: Subject, severity: Severity, judged: Judged, at: Fraction) -> bool | None:
    """Whether the alert fires at this moment; None when windows and bridges leave it open."""
    spell, bound = subject.spells.get(severity), judged.bounds[severity]
    if spell is None or at < spell.on_min + bound.hold:
        return False
    if spell.off_min is not None and spell.off_min <= spell.on_min + bound.hold:
        return False
    if spell.off_max is not None and at >= spell.off_max + bound.keep:
        return False
    if at >= spell.on_max + bound.hold and (spell.off_min is None or at < spell.off_min + bound.keep):
        return True
    return None
