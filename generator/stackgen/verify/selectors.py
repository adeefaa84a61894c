"""What a selector selects: a metric of a scraped source, a recorded series, or what Prometheus makes itself."""

from __future__ import annotations

from collections.abc import Sequence

import promql_parser as ql

from stackgen.catalog import registry
from stackgen.problem import Problem
from stackgen.resolve.plan import Plan
from stackgen.rules.model import Group
from stackgen.spec.checks import nearest
from stackgen.verify.known import OF_ALERTS, OF_TARGETS, TARGET, Exposed, Place, Recorded, exposed, of_copies
from stackgen.verify.labels import ANYTHING, Shape, names


class Selectors:
    """Everything that rules may select on one stack, and what was found wrong with what they do select."""

    def __init__(self, groups: Sequence[Group], plan: Plan) -> None:
        self.found: list[Problem] = []
        self.exposed = exposed(plan)
        self.recorded = Recorded(groups)
        self._jobs = {scraped.source.job for scraped in plan.scraped}
        told = plan.site.told
        self._job_of = {one.job: job for job, one in told.items()}
        labels = TARGET.union(*(one.labels for one in told.values()))
        self._of_targets = {job: labels.union(of_copies(job, plan)) for job in self._jobs}
        self._alerts = {alert.alert.signal.alert for group in groups for alert in group.alerts}

    def say(self, at: Place, rule: str, message: str, hint: str = "") -> None:
        """Notes a finding."""
        self.found.append(Problem(at.file, rule, at.where, message, hint))

    def needs(self, at: Place, shape: Shape, label: str, use: str) -> None:
        """Notes a label that what is used has not."""
        if not shape.has(label):
            what = shape.name or "the expression"
            hint = f"{what} has {names(shape.labels)}, not {label}"
            self.say(at, "unknown-label", f"{use} by a label it does not have: {label}", hint)

    def shape(self, at: Place, node: ql.VectorSelector) -> Shape:
        """What the selector gives; what it cannot give is noted."""
        matchers = node.matchers.matchers
        exact = {m.name: m.value for m in matchers if m.op == ql.MatchOp.Equal}
        exact |= {m.name: self._job_of.get(m.value, m.value) for m in matchers if m.name == "job"}
        name = node.name or exact.pop("__name__", "")
        shape = self._named(at, name, exact)
        for matcher in matchers:
            if matcher.name != "__name__":
                self.needs(at, shape, matcher.name, f"{name} is selected")
        return shape

    def _named(self, at: Place, name: str, exact: dict[str, str]) -> Shape:
        if name in self.exposed:
            return self._metric(at, name, exact, self.exposed[name])
        if name in OF_TARGETS:
            job = exact.get("job", next(iter(self._jobs)))
            if job not in self._jobs:
                self._unknown_job(at, name, job)
            return Shape(self._of_targets.get(job, TARGET), name, counts=False)
        if name in OF_ALERTS:
            alert = exact.get("alertname")
            if alert and alert not in self._alerts:
                self.say(at, "unknown-alert", f"no alert is named {alert}", nearest(alert, self._alerts))
            return ANYTHING._replace(name=name, counts=False)
        return self._series(at, name, exact)

    def _metric(self, at: Place, name: str, exact: dict[str, str], sources: list[Exposed]) -> Shape:
        jobs = {one.scraped.source.job: one for one in sources}
        job = exact.get("job")
        if job is None:
            hint = f'write {name}{{job="{next(iter(jobs))}"}}'
            self.say(at, "missing-job", f"{name} is selected from any job that has such a name", hint)
        elif job not in jobs:
            self._unknown_job(at, name, job)
        one = jobs.get(job or "", sources[0])
        if one.missing_in:
            hint = f"it came with version {one.metric.since}"
            self.say(at, "metric-since", f"{one.scraped.source.id} {one.missing_in} has no {name}", hint)
        return Shape(one.labels, name, counts=one.counts)

    def _series(self, at: Place, name: str, exact: dict[str, str]) -> Shape:
        """A recorded series; a rule may look back at its own, from the evaluation before."""
        selected = list(self.recorded.selected(name, exact))
        if not selected:
            self._unknown(at, name, exact)
            return ANYTHING._replace(name=name)
        if name == at.where:
            return ANYTHING._replace(name=name, counts=False)
        known = registry.series().get(name)
        late = next((r for r, last in selected if r.group != at.group or last >= at.position), None)
        if late and at.group and not (known and known.shared and late.group != at.group):
            where = "later in this group" if late.group == at.group else f"in group {late.group}"
            message = f"{name} is recorded {where}, so it is one interval late here"
            self.say(at, "late-series", message, "record it earlier in this group")
            return ANYTHING._replace(name=name, counts=False)
        return Shape(frozenset().union(*(record.labels for record, _ in selected)), name, counts=False)

    def _unknown(self, at: Place, name: str, exact: dict[str, str]) -> None:
        if name in self.recorded.names():
            wrong = {k: v for k, v in exact.items() if v not in (values := self.recorded.values(name, k)) and values}
            chosen = ", ".join(f'{k}="{v}"' for k, v in (wrong or exact).items())
            hint = "; ".join(f"{k} is {', '.join(sorted(self.recorded.values(name, k))[:9])}" for k in wrong)
            self.say(at, "empty-selector", f"no rule records {name} with {chosen}", hint)
            return
        if exact.get("job", next(iter(self._jobs))) not in self._jobs:
            self._unknown_job(at, name, exact["job"])
        hint = nearest(name, [*self.exposed, *self.recorded.names()])
        self.say(at, "unknown-metric", f"no scraped source exposes {name} and no rule records it", hint)

    def _unknown_job(self, at: Place, name: str, job: str) -> None:
        self.say(at, "unknown-job", f'{name} is selected from job "{job}", which is not scraped for it')
