"""One signal under test: its numbers, the pace of its tests, and when its alerts must fire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, lcm

from stackgen.cases import owned, pace
from stackgen.cases.model import FiringInterval, Subject
from stackgen.cases.names import Names
from stackgen.cases.stages import Stage, input_series, scraped
from stackgen.cases.stimuli import InputSeries, Labels, Side, Situation, Target, situation
from stackgen.catalog import input_shapes
from stackgen.catalog.entries import Entries
from stackgen.catalog.signal import Severity, Signal
from stackgen.catalog.timeline import Input
from stackgen.resolve.plan import Alert, Plan

Edge = tuple[int, int]
"""A moment in seconds that is known to within windows and bridges: surely not before, surely from."""
BEFORE_STEPS = 10
"""Samples fed before the drop, for signals that compare with the past."""


@dataclass(frozen=True)
class SignalUnderTest:
    """What all cases of one signal share."""

    signal: Signal
    plan: Plan

    @cached_property
    def alerts(self) -> Mapping[Severity, Alert]:
        """The records of its alerts, the mildest severity first."""
        return {alert.severity: alert for alert in self.plan.of(self.signal)}

    @cached_property
    def defaults(self) -> Mapping[Severity, Fraction | None]:
        """The limit of each severity for what has none of its own; None: nothing else is judged."""
        return {severity: alert.threshold for severity, alert in self.alerts.items()}

    @cached_property
    def own_limits(self) -> Mapping[Severity, Mapping[str, Fraction]]:
        """The queues or tasks with limits of their own, by severity; of a pattern one that it means."""
        return {
            severity: {
                name: limit for key, limit in alert.overrides.items() if (name := self.entries.example(key)) is not None
            }
            for severity, alert in self.alerts.items()
        }

    @cached_property
    def entries(self) -> Entries:
        """The entries of stack.yaml for its queues or tasks."""
        return self.plan.entries(self.signal)

    @cached_property
    def least_traffic(self) -> tuple[int, ...]:
        """What the guards of all severities ask for."""
        guards = [guard for alert in self.alerts.values() for guard in alert.guards]
        return tuple(amount for guard in guards for amount in (guard.amount, *guard.own.values()))

    @property
    def worst(self) -> Severity:
        """The last severity."""
        return tuple(self.alerts)[-1]

    @property
    def sign(self) -> int:
        """+1 when a value above the limit is bad, else -1."""
        return 1 if self.signal.bad_when == "above" else -1

    @cached_property
    def silenced_by(self) -> tuple[str, ...]:
        """The alerts that silence this one while they fire."""
        return tuple(re.findall('alertname="([^"]+)"', self.signal.unless))

    @cached_property
    def tick(self) -> int:
        """Seconds between evaluations."""
        waits = (wait for both in self._waits for wait in both)
        return pace.tick(self.signal, self.plan, waits, is_filling=self.is_filling)

    @cached_property
    def step(self) -> int:
        """Seconds between samples: five to a window, which `increase` extrapolates without rounding."""
        match self.signal.shape:
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
        """Seconds over which what the signal needs is counted; 0 when it needs gauges only."""
        growth = isinstance(self.signal.shape, input_shapes.Growth)
        return max((s.window for s in self.signal.needs if s.kind == "counter" or s.warmup or growth), default=0)

    @cached_property
    def warmup(self) -> int:
        """Seconds until a gauge that is computed from a counter is complete."""
        return max((s.warmup for s in self.signal.needs), default=0)

    @cached_property
    def is_filling(self) -> bool:
        """Whether a limit that is hardly crossed is crossed only when the window of a count is full."""
        shape = self.signal.shape
        return isinstance(shape, input_shapes.Value) and shape.series.kind == "counter" and any(self.defaults.values())

    @cached_property
    def bridge(self) -> int:
        """Seconds for which a gauge outlives its last sample."""
        return ceil(self.plan.site.bridged)

    @cached_property
    def blur(self) -> int:
        """Seconds by which windows and bridges may delay the end of a condition."""
        return self.window + self.bridge + self.step

    @cached_property
    def _waits(self) -> tuple[tuple[int, int], ...]:
        return owned.waits(self.alerts.values())

    @cached_property
    def hold(self) -> int:
        """The longest hold of all severities, in seconds."""
        return max(hold for hold, _ in self._waits)

    @cached_property
    def _keep(self) -> int:
        return max(keep for _, keep in self._waits)

    @cached_property
    def duration(self) -> int:
        """Seconds after which every alert of a subject that is bad from the start fires, and every window is full."""
        _, sure = self.first_true
        grain = lcm(self.step, self.tick)
        return -(-(sure + self.hold + self.window) // grain) * grain

    @cached_property
    def steps(self) -> int:
        """Samples that outlast every story, also those that end."""
        return self.duration // self.step + ceil((self.blur + self._keep + self.tick) / self.step) + 2

    @cached_property
    def first_true(self) -> Edge:
        """When the condition of a subject that is bad from the start begins to hold."""
        match self.signal.shape:
            case input_shapes.Growth():
                return 0, 2 * self.step
            case input_shapes.Fleet():
                start = BEFORE_STEPS * self.step
                return start, start + self.bridge + self.step
            case input_shapes.Share() | input_shapes.Quantile() | input_shapes.Drain():
                return self.step, self.step + self.tick
            case input_shapes.Age():
                return 0, 0
            case input_shapes.Failures() as shape:
                most = int(max((limit for limit in self.defaults.values() if limit is not None), default=0))
                last = shape.scrapes(most + 1) * self.step
                return last, last + self.step
            case input_shapes.Value(series=series) | input_shapes.Stuck(length=series):
                if series.kind == "gauge" and not self.warmup:
                    return 0, 0
                # An alert that fires while the window fills says a number that still grows.
                early = series.kind == "counter" and min(hold for hold, _ in self._waits) < self.window
                return 0, self.step + (self.window if early or self.is_filling else self.warmup)
            case _:
                return 0, self.step + self.warmup

    def silent(self, at: int) -> bool | None:
        """False: what is good does not fire at this moment; None while a flow that just began looks like less."""
        if isinstance(self.signal.shape, input_shapes.Drain | input_shapes.Stuck):
            return None if at < self._after(self.window + self.step, self._keep) else False
        return False

    def interval(self, severity: Severity, on: Edge, off: Edge | None = None, who: str = "") -> FiringInterval | None:
        """When an alert fires whose condition holds from `on` to `off`; None when it does not hold for long enough."""
        hold, keep = owned.wait(self.alerts[severity], self.entries.found(who))
        earliest, surely = (self._after(moment, hold) for moment in on)
        if off is None:
            return FiringInterval(earliest, surely)
        if off[0] <= on[0] + hold:
            return None
        return FiringInterval(earliest, surely, *(self._after(moment, keep) for moment in off))

    def _after(self, moment: int, wait: int) -> int:
        """The evaluation that sees what has lasted for `wait` since the first evaluation from this moment on."""
        first = -(-moment // self.tick) * self.tick
        return -(-(first + wait) // self.tick) * self.tick

    def limits(self, who: str) -> Mapping[Severity, Fraction | None]:
        """Each severity's limit for one queue or task."""
        entry = self.entries.found(self.called(who)) or ""
        return {
            severity: None if entry in alert.never else alert.overrides.get(entry, self.defaults[severity])
            for severity, alert in self.alerts.items()
        }

    def situation(self, who: str, limit: Fraction, side: Side) -> Situation | None:
        """What to feed for one side of a limit, with so much traffic that no guard has a say."""
        target = Target(limit, side, self.sign, max(self.least_traffic, default=0))
        return situation(self.signal.shape, {**self._names.somewhere, **self.labels(who)}, target, self.plan.site)

    def beyond(self, name: str) -> tuple[str, Situation] | None:
        """A subject just beyond the worst limit, called so if any name is judged, and what to feed for it."""
        for severity in reversed(tuple(self.alerts)):
            limit, who = self.limits(name)[severity], name
            if limit is None:
                who, limit = next(iter(self.own_limits[severity].items()))
            found = self.situation(who, limit, 1)
            if found:
                return who, found
        return None

    def stages(self, now: Situation) -> tuple[Stage, ...]:
        """This situation for as long as any story lasts, and what was before it."""
        before = (Stage(now.before, BEFORE_STEPS),) if now.before else ()
        return (*before, Stage(now.inputs, self.steps))

    def subject(
        self,
        name: str,
        bad: Situation,
        stages: Sequence[Stage] | None = None,
        on: Edge | None = None,
        off: Edge | None = None,
    ) -> Subject:
        """A subject that is fed with these stages and has the value of `bad` from `on` to `off`."""
        limits = self.limits(name)
        start, sure = self.first_true
        firing: dict[Severity, FiringInterval] = {}
        for severity, limit in limits.items():
            if limit is None or self.sign * bad.value <= self.sign * limit:
                continue
            # A gauge counted from 0 is short of a limit that it hardly crosses until its window is full.
            late = self.warmup if bad.value <= limit * Fraction(101, 100) else 0
            interval = self.interval(severity, on or (start + late, sure), off, self.called(name))
            if interval:
                firing[severity] = interval
        inputs = input_series(self.stages(bad) if stages is None else stages, self.plan, self.step)
        return Subject(labels=self.labels(name), inputs=inputs, firing=firing, limits=limits, value=float(bad.value))

    def labels(self, name: str) -> dict[str, str]:
        """The subject's labels: its name under each label of the signal."""
        return dict.fromkeys(self.signal.by, self.called(name))

    def called(self, name: str) -> str:
        """The value of a subject's labels: its name where the label can take any value."""
        return self._names.called(name)

    @cached_property
    def _names(self) -> Names:
        alerts = self.alerts.values()
        keys = {key for one in alerts for key in (*one.overrides, *one.never, *(k for g in one.guards for k in g.own))}
        return Names(self.signal, self.plan, frozenset(filter(None, map(self.entries.example, keys))))

    def recorded(self, one: InputSeries) -> Labels:
        """The labels that the canonical series really has: those that the chosen source tells."""
        reading = self.plan.chosen[one.series.name].reading
        fixed = {label for rule in reading.rules(self.plan.site) for label in rule.labels}
        seen = {text for each in input_series([Stage((one,), 1)], self.plan, 60) for text in each.labels.values()}
        spared = self.plan.site.spared
        return {label: text for label, text in one.labels.items() if label in fixed or spared(label, text) in seen}

    def scraped(self, inputs: Iterable[Input], stages: Sequence[Stage]) -> tuple[Input, ...]:
        """The inputs with `up` of every job that they or the signal's own series come from."""
        made = tuple(inputs)
        needed = {self.plan.chosen[s.name].source.job for s in self.signal.needs}
        jobs = needed | {one.labels.get("job") for one in made}
        everyone = self.signal.family == "stack"
        wanted = (s.source.job for s in self.plan.scraped if everyone or s.source.job in jobs)
        return scraped(made, wanted, self.plan.site, stages)
