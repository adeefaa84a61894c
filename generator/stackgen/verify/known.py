"""What a rule may select: metrics of scraped sources, recorded series, and what Prometheus makes itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stackgen.catalog.source import Metric
from stackgen.problem import Mark
from stackgen.resolve.plan import Plan, Scraped
from stackgen.rules.model import Group

TARGET = frozenset({"job", "instance"})
"""Labels Prometheus puts on everything it scrapes."""
OF_TARGETS = frozenset(
    {
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    }
)
"""Series Prometheus makes for each target."""
OF_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
"""Series Prometheus makes for each alert; they carry whatever labels the alert has."""
_VECTOR = "vector("


class Place(NamedTuple):
    """A rule: its file, its group ("": it may read late), how many rules stand before it, and its name."""

    file: Mark
    group: str
    position: int
    where: str


class Exposed(NamedTuple):
    """One metric name of one scraped source, as PromQL sees it."""

    metric: Metric
    scraped: Scraped
    labels: frozenset[str]
    counts: bool
    """True for a counter, which only grows."""

    @property
    def missing_in(self) -> str:
        """The scraped version, when it is older than the metric; else ""."""
        if not self.metric.since:
            return ""
        order = list(self.scraped.source.versions)
        old = order.index(self.scraped.version) < order.index(self.metric.since)
        return self.scraped.version if old else ""


@dataclass
class Record:
    """Rules of one group that record one name with the same labels of their own."""

    group: str
    own: frozenset[str]
    """Labels that the rules themselves add."""
    last: int = -1
    """Position of the last of these rules in its group."""
    values: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each of the rules' own labels: value -> position of the last rule that sets it."""
    labels: frozenset[str] = frozenset()
    """Every label of the series; complete once the rules up to `last` were looked at."""

    def position(self, exact: Mapping[str, str]) -> int | None:
        """Where in its group the last rule stands that these exact matchers select; None when they select none."""
        last = self.last
        for name, value in exact.items():
            if name in self.own:
                if value not in self.values[name]:
                    return None
                last = min(last, self.values[name][value])
        return last


def of_copies(job: str, plan: Plan) -> tuple[str, ...]:
    """The labels that tell from which copy of the stack a series of this job is."""
    return () if job in plan.site.central else plan.site.copies.labels


def exposed(plan: Plan) -> dict[str, list[Exposed]]:
    """Every name that scraped sources expose; a histogram has three, or one where Prometheus makes it native."""
    found: dict[str, list[Exposed]] = {}
    for scraped in plan.scraped:
        for metric in scraped.source.metrics:
            told = plan.site.told.get(scraped.source.job)
            labels = TARGET.union(metric.labels, told.labels if told else (), of_copies(scraped.source.job, plan))
            parts = {"": labels}
            if metric.type == "histogram":
                parts |= {"_bucket": labels | {"le"}, "_sum": labels, "_count": labels}
            for part, has in parts.items():
                one = Exposed(metric, scraped, has, metric.type != "gauge")
                found.setdefault(metric.name + part, []).append(one)
    return found


class Recorded:
    """The recorded series of all groups; every rule is known by place, and its labels once it was looked at."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._records: dict[str, list[Record]] = {}
        self._of_rule: dict[tuple[str, int], Record] = {}
        for group in groups:
            for position, rule in enumerate(group.recordings):
                record = self._record(rule.record, group.name, rule.labels, simple=rule.expr.startswith(_VECTOR))
                record.last = position
                for name, value in rule.labels.items():
                    record.values.setdefault(name, {})[value] = position
                self._of_rule[group.name, position] = record

    def _record(self, name: str, group: str, labels: Mapping[str, str], *, simple: bool) -> Record:
        own, known = frozenset(labels), self._records.setdefault(name, [])
        if simple:  # thousands of thresholds: one record for all
            for record in known:
                if record.group == group and record.own == own == record.labels:
                    return record
        known.append(Record(group, own, labels=own))
        return known[-1]

    def names(self) -> Iterable[str]:
        """Every recorded name."""
        return self._records

    def complete(self, group: str, position: int, labels: frozenset[str]) -> None:
        """Notes which labels the expression of a rule keeps."""
        record = self._of_rule[group, position]
        record.labels |= labels

    def selected(self, name: str, exact: Mapping[str, str]) -> Iterator[tuple[Record, int]]:
        """The records of a name that these exact matchers select, each with the place of its last rule."""
        for record in self._records.get(name, ()):
            position = record.position(exact)
            if position is not None:
                yield record, position

    def values(self, name: str, label: str) -> set[str]:
        """Every value that rules give to a label of a name."""
        return {value for record in self._records.get(name, ()) for value in record.values.get(label, ())}
