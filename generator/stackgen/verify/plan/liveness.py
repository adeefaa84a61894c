"""The dead-alert proof: an alert that stack.yaml makes impossible, or endless, is refused, with reason and way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import promql_parser as ql

from stackgen.catalog import input_shapes, promql
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Signal
from stackgen.document import Document, Trail, where
from stackgen.problem import Problem
from stackgen.resolve.plan import Alert, Plan
from stackgen.verify.origin import own_limit
from stackgen.verify.subject import Subject

_SCRAPES = 4
"""Scrapes that must fit into a window: `increase` needs two, and one may fail."""


@dataclass(frozen=True)
class _Dead:
    """Why an alert cannot fire, and the value of stack.yaml that makes it so."""

    rule: str
    path: Trail
    message: str
    hint: str


@dataclass(frozen=True)
class _Case:
    """One alert on its stack."""

    alert: Alert
    plan: Plan

    @property
    def signal(self) -> Signal:
        return self.alert.signal

    def path(self, *key: str) -> Trail:
        return ("thresholds", self.signal.id, self.alert.severity, *key)

    def limits(self) -> Iterator[tuple[Trail, Fraction]]:
        """Every threshold of this severity and where stack.yaml sets it."""
        if self.alert.threshold is not None:
            yield self.path("threshold"), self.alert.threshold
        if not self.signal.limits_from:
            for who, limit in self.alert.overrides.items():
                yield own_limit(self.alert, who), limit

    def holds_at_most(self, seconds: Fraction, why: str) -> Iterator[_Dead]:
        """Dead when the condition cannot last for the whole hold."""
        own = {own_limit(self.alert, who): wait.hold for who, wait in self.alert.waits.items()}
        for path, hold in {self.path("for"): self.alert.hold, **own}.items():
            if hold > seconds:
                message = f"for {promql.seconds(hold)} it never fires: {why}"
                hint = f"at most {promql.seconds(seconds)}" if seconds > 0 else "write 0s"
                yield _Dead("dead-alert-for", path, message, hint)


def problems(subject: Subject) -> list[Problem]:
    """Every alert of this stack that can never fire."""
    return of_plan(subject.plan, subject.document)


def of_plan(plan: Plan, document: Document) -> list[Problem]:
    """Every alert of the stack that can never fire."""
    found = list(_windows(plan))
    for signal in plan.metric_signals:
        for alert in plan.of(signal):
            case = _Case(alert, plan)
            for proof in (_zero, _ratio, _bucket, _burst, _fleet, _failures, _lifetime, _named):
                found += proof(case)
    return sorted({_problem(dead, document) for dead in found})


def _problem(dead: _Dead, document: Document) -> Problem:
    """At the user's value; `for` may stand at the severity or at the signal."""
    path = _written(dead.path, document)
    return Problem(document.mark(path), dead.rule, where(dead.path), dead.message, dead.hint)


def _written(path: Trail, document: Document) -> Trail:
    if path[-1] == "for":
        for trail in (path, (*path[:2], "for")):
            if document.walk(trail)[0] == trail:
                return trail
    return document.walk(path)[0]


def _windows(plan: Plan) -> Iterator[_Dead]:
    """A window that sees too few scrapes shows no growth after one failed scrape."""
    least = min(
        (
            s.window
            for signal in plan.metric_signals
            for s in signal.needs
            if (s.kind == "counter" and s.window) or s.warmup
        ),
        default=0,
    )
    if least and least < _SCRAPES * plan.site.scrape:
        longest = promql.seconds(Fraction(least, _SCRAPES))
        message = f"fewer than {_SCRAPES} scrapes fit into the window of {promql.seconds(least)}"
        yield _Dead("dead-alert-window", ("prometheus", "scrape_interval"), message, f"at most {longest}")


def _zero(case: _Case) -> Iterator[_Dead]:
    """Nothing that is measured is ever negative."""
    if case.signal.bad_when == "below":
        for path, limit in case.limits():
            if limit <= 0:
                hint = "`never` switches this severity off"
                yield _Dead("dead-alert-zero", path, "below 0 it never fires: the value is never negative", hint)


def _ratio(case: _Case) -> Iterator[_Dead]:
    """A part is never more than its whole. (A timeout may be counted twice, soft and hard, so it may be more.)"""
    shape = case.signal.shape
    if isinstance(shape, input_shapes.Share) and shape.disjoint and case.signal.bad_when == "above":
        for path, limit in case.limits():
            if limit >= 1:
                shown = f"{promql.number(limit * 100)}%"
                message = f"above {shown} it never fires: a share is at most 100%"
                yield _Dead("dead-alert-ratio", path, message, "at most 99%, or `never`")


def _bucket(case: _Case) -> Iterator[_Dead]:
    """A quantile never exceeds the largest finite bound, and between two bounds it is a guess."""
    shape = case.signal.shape
    if not isinstance(shape, input_shapes.Quantile):
        return
    bounds = bucket_bounds(shape.series, case.plan)
    exact = frozenset(bounds)
    for path, limit in case.limits():
        shown = promql.seconds(limit)
        if not bounds or limit >= bounds[-1]:
            most = promql.seconds(bounds[-1]) if bounds else "0s"
            message = f"above {shown} it never fires: the largest finite bucket ends at {most}"
            hint = f"below {most}, or a source with larger buckets"
            yield _Dead("dead-alert-bucket", path, message, hint)
        elif limit not in exact:
            near = min(bounds[:-1], key=lambda bound: abs(bound - limit), default=bounds[0])
            message = f"{shown} is between two bucket bounds, where a quantile is a guess"
            yield _Dead("dead-alert-bucket", path, message, f"the nearest bound is {promql.seconds(near)}")


def bucket_bounds(series: Series, plan: Plan) -> tuple[Fraction, ...]:
    """The finite bucket bounds that exporters are told to use for a canonical histogram."""
    return plan.site.duration_buckets if "task" in series.labels else plan.site.wait_buckets


def _burst(case: _Case) -> Iterator[_Dead]:
    """Events that come all at once leave the window before the alert may fire.

    The growth is seen from the scrape after the burst until the scrape before it leaves the window.
    """
    shape = case.signal.shape
    if isinstance(shape, input_shapes.Share) and case.signal.sees_bursts:
        window = Fraction(shape.part.window)
        most = _whole(window - case.plan.site.scrape - case.plan.site.evaluation)
        shown = promql.seconds(window)
        yield from case.holds_at_most(most, f"a burst of events leaves the window of {shown} before")


def _fleet(case: _Case) -> Iterator[_Dead]:
    """Compared with its own largest value: after that time the small fleet is the normal case."""
    if isinstance(case.signal.shape, input_shapes.Fleet):
        back = _longest_range([case.signal.expr(case.plan.site)])
        most = _whole(back - 2 * case.plan.site.evaluation)
        why = f"after {promql.seconds(back)} the workers that are gone are forgotten"
        yield from case.holds_at_most(most, why)


def _failures(case: _Case) -> Iterator[_Dead]:
    """Only so many scrapes fit into the window, and the first failure leaves it again."""
    shape, threshold = case.signal.shape, case.alert.threshold
    if not isinstance(shape, input_shapes.Failures) or threshold is None:
        return
    rules = case.plan.chosen[shape.series.name].reading.rules(case.plan.site)
    window, scrape = _longest_range(rule.expr for rule in rules), case.plan.site.scrape
    scrapes = int(window // scrape)
    failures = scrapes - scrapes // (shape.in_a_row + 1)
    if threshold >= failures:
        message = f"above {promql.number(threshold)} it never fires: the window counts {failures} failures"
        yield _Dead("dead-alert-window", case.path("threshold"), message, f"at most {failures - 1}")
        return
    most = _whole(window - shape.scrapes(int(threshold) + 1) * scrape - case.plan.site.evaluation)
    yield from case.holds_at_most(max(most, Fraction(0)), "the failures leave the window before")


def _lifetime(case: _Case) -> Iterator[_Dead]:
    """What is dead shows a bad value only as long as its exporter remembers it."""
    signal = case.signal
    if signal.bad_when != "below":
        return
    for series in signal.needs:
        chosen = case.plan.chosen[series.name]
        lives = [m.lifetime for m in chosen.reading.uses if m.lifetime and m.type == "gauge"]
        if lives and series.kind == "gauge" and not chosen.reading.survives:
            life = Fraction(min(lives))
            why = f"{chosen.source.title} forgets what is gone after {promql.seconds(life)}"
            yield from case.holds_at_most(_whole(life - case.plan.site.scrape - case.plan.site.evaluation), why)


def _named(case: _Case) -> Iterator[_Dead]:
    """A name without a star is that of one worker, so more than one is never seen."""
    if case.signal.unit != "workers" or case.signal.bad_when != "below":
        return
    sources = (case.plan.chosen[series.name].source.id for series in case.signal.needs)
    for name in (case.plan.site.match.get(source, "*") for source in sources):
        for path, limit in case.limits():
            if "*" not in name and limit > 1:
                message = f"below {promql.number(limit)} it fires for ever: match {name!r} names one worker"
                yield _Dead("dead-alert-match", path, message, "at most 1, or a * at the start or end of match")


def _longest_range(exprs: Iterable[str]) -> Fraction:
    """The longest `[range]` or `[range:step]` of some expressions, in seconds."""
    found = [Fraction(0)]

    def visit(node: object) -> None:
        if isinstance(node, ql.MatrixSelector | ql.SubqueryExpr) and node.range:
            found.append(Fraction(ceil(node.range.total_seconds())))

    for expr in exprs:
        ql.walk(ql.parse(expr), visit)
    return max(found)


def _whole(seconds: Fraction) -> Fraction:
    return Fraction(int(seconds))
