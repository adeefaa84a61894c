"""The dead-alert proof: an alert that stack.yaml makes impossible is refused, with reason and way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import ceil
from typing import NamedTuple

import promql_parser as ql

from stackgen.catalog import input_shapes, promql
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Severity
from stackgen.document import Document, Trail, where
from stackgen.problem import Problem
from stackgen.resolve.plan import Judged, Plan
from stackgen.verify.subject import Subject

_SCRAPES = 4
"""Scrapes that must fit into a window: `increase` needs two, and one may fail."""


class _Dead(NamedTuple):
    """Why an alert cannot fire, and the value of stack.yaml that makes it so."""

    rule: str
    path: Trail
    message: str
    hint: str


class _One(NamedTuple):
    """One severity of one signal on this stack."""

    judged: Judged
    severity: Severity
    plan: Plan

    @property
    def hold(self) -> Fraction:
        return self.judged.bounds[self.severity].hold

    @property
    def hold_path(self) -> Trail:
        return ("thresholds", self.judged.signal.id, self.severity, "for")

    def limits(self) -> Iterator[tuple[Trail, Fraction]]:
        """Every threshold of this severity and where stack.yaml sets it."""
        name, default = self.judged.signal.id, self.judged.bounds[self.severity].threshold
        if default is not None:
            yield ("thresholds", name, self.severity, "threshold"), default
        section = "queues" if self.judged.signal.overrides == "queue" else "tasks"
        if not self.judged.signal.limits_from:
            for who, limit in self.judged.overridden(self.severity).items():
                yield (section, who, "thresholds", name, self.severity), limit

    def holds_at_most(self, seconds: Fraction, why: str) -> Iterator[_Dead]:
        """Dead when the condition cannot last for the whole hold."""
        if self.hold > seconds:
            message = f"for {promql.seconds(self.hold)} it never fires: {why}"
            hint = f"at most {promql.seconds(seconds)}" if seconds > 0 else "write 0s"
            yield _Dead("dead-alert-for", self.hold_path, message, hint)


def problems(subject: Subject) -> list[Problem]:
    """Every alert of this stack that can never fire."""
    return of_plan(subject.plan, subject.document)


def of_plan(plan: Plan, document: Document) -> list[Problem]:
    """Every alert of the stack that can never fire."""
    found = list(_windows(plan))
    for judged in plan.judged:
        for severity in judged.bounds:
            one = _One(judged, severity, plan)
            for proof in (_zero, _ratio, _bucket, _burst, _fleet, _failures, _lifetime):
                found += proof(one)
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
    least = min((s.window for j in plan.judged for s in j.signal.needs if s.kind == "counter" or s.warmup), default=0)
    if least and least < _SCRAPES * plan.site.scrape:
        longest = promql.seconds(Fraction(least, _SCRAPES))
        message = f"fewer than {_SCRAPES} scrapes fit into the window of {promql.seconds(least)}"
        yield _Dead("dead-alert-window", ("prometheus", "scrape_interval"), message, f"at most {longest}")


def _zero(one: _One) -> Iterator[_Dead]:
    """Nothing that is measured is ever negative."""
    if one.judged.signal.bad_when == "below":
        for path, limit in one.limits():
            if limit <= 0:
                hint = "`never` switches this severity off"
                yield _Dead("dead-alert-zero", path, "below 0 it never fires: the value is never negative", hint)


def _ratio(one: _One) -> Iterator[_Dead]:
    """A part is never more than its whole. (A timeout may be counted twice, soft and hard, so it may be more.)"""
    shape = one.judged.signal.shape
    if isinstance(shape, input_shapes.Share) and shape.disjoint and one.judged.signal.bad_when == "above":
        for path, limit in one.limits():
            if limit >= 1:
                shown = f"{promql.number(limit * 100)}%"
                message = f"above {shown} it never fires: a share is at most 100%"
                yield _Dead("dead-alert-ratio", path, message, "at most 99%, or `never`")


def _bucket(one: _One) -> Iterator[_Dead]:
    """A quantile never exceeds the largest finite bound, and between two bounds it is a guess."""
    shape = one.judged.signal.shape
    if not isinstance(shape, input_shapes.Quantile):
        return
    bounds = bucket_bounds(shape.series, one.plan)
    exact = frozenset(bounds)
    for path, limit in one.limits():
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


def _burst(one: _One) -> Iterator[_Dead]:
    """Events that come all at once leave the window before the alert may fire.

    The growth is seen from the scrape after the burst until the scrape before it leaves the window.
    """
    shape = one.judged.signal.shape
    if isinstance(shape, input_shapes.Share):
        window = Fraction(shape.part.window)
        most = _whole(window - one.plan.site.scrape - one.plan.site.evaluation)
        shown = promql.seconds(window)
        yield from one.holds_at_most(most, f"a burst of events leaves the window of {shown} before")


def _fleet(one: _One) -> Iterator[_Dead]:
    """Compared with its own largest value: after that time the small fleet is the normal one."""
    if isinstance(one.judged.signal.shape, input_shapes.Fleet):
        back = _longest_range([one.judged.signal.expr(one.plan.site)])
        most = _whole(back - 2 * one.plan.site.evaluation)
        why = f"after {promql.seconds(back)} the workers that are gone are forgotten"
        yield from one.holds_at_most(most, why)


def _failures(one: _One) -> Iterator[_Dead]:
    """Only so many scrapes fit into the window, and the first failure leaves it again."""
    shape, bound = one.judged.signal.shape, one.judged.bounds[one.severity]
    if not isinstance(shape, input_shapes.Failures) or bound.threshold is None:
        return
    rules = one.plan.chosen[shape.series.name].reading.rules(one.plan.site)
    window, scrape = _longest_range(rule.expr for rule in rules), one.plan.site.scrape
    scrapes = window // scrape
    if bound.threshold >= scrapes:
        path = ("thresholds", one.judged.signal.id, one.severity, "threshold")
        message = f"above {promql.number(bound.threshold)} it never fires: {scrapes} scrapes fit into the window"
        yield _Dead("dead-alert-window", path, message, f"at most {scrapes - 1}")
        return
    most = _whole(window - (bound.threshold + 1) * scrape - one.plan.site.evaluation)
    yield from one.holds_at_most(max(most, Fraction(0)), "the failures leave the window before")


def _lifetime(one: _One) -> Iterator[_Dead]:
    """What is dead shows a bad value only as long as its exporter remembers it."""
    signal = one.judged.signal
    if signal.bad_when != "below":
        return
    for series in signal.needs:
        chosen = one.plan.chosen[series.name]
        lives = [m.lifetime for m in chosen.reading.uses if m.lifetime and m.type == "gauge"]
        if lives and series.kind == "gauge" and not chosen.reading.survives:
            life = Fraction(min(lives))
            why = f"{chosen.source.title} forgets what is gone after {promql.seconds(life)}"
            yield from one.holds_at_most(_whole(life - one.plan.site.scrape - one.plan.site.evaluation), why)


def _longest_range(exprs: Iterable[str]) -> Fraction:
    """The longest `[range]` of some expressions, in seconds."""
    found = [Fraction(0)]

    def visit(node: object) -> None:
        if isinstance(node, ql.MatrixSelector):
            found.append(Fraction(ceil(node.range.total_seconds())))

    for expr in exprs:
        ql.walk(ql.parse(expr), visit)
    return max(found)


def _whole(seconds: Fraction) -> Fraction:
    return Fraction(int(seconds))
