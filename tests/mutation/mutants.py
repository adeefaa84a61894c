"""All mutants of one rendered stack: a rule with one mistake in it, and the signals whose tests should notice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import yaml

from stackgen.catalog import promql
from stackgen.spec.scalars import Duration
from tests.mutation.expressions import COARSE, FINE, mistakes

Rule = dict[str, Any]
_SEVERITIES = {"info": "warning", "warning": "critical", "critical": "warning"}


@dataclass(frozen=True)
class Mutant:
    """One rule of one file with one mistake."""

    file: str
    """Path of the rule file below output/."""
    group: int
    """Number of its group in the file."""
    index: int
    """Number of the rule in its group."""
    rule: str
    """Name of the rule, with the labels that tell it from others of the same name."""
    what: str
    changed: Mapping[str, object]
    signals: tuple[str, ...]
    """Signals that use the rule; the first one that notices kills the mutant."""

    @property
    def judges(self) -> bool:
        """Whether it is an alert or a limit that an alert compares with."""
        return "signal" in cast("Mapping[str, str]", self.changed.get("labels", {})) or "alert" in self.changed

    def applied(self, text: str) -> str:
        """The rule file with the mistake in it."""
        data = yaml.load(text, Loader=yaml.CSafeLoader)
        data["groups"][self.group]["rules"][self.index] = dict(self.changed)
        return yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, width=10_000)


def mutants(files: Mapping[str, str]) -> Iterator[Mutant]:
    """Every mutant of every rule file among the rendered files."""
    for path, text in files.items():
        if path.startswith("prometheus/rules/"):
            groups: list[list[Rule]] = [one["rules"] for one in yaml.load(text, Loader=yaml.CSafeLoader)["groups"]]
            rules = [rule for group in groups for rule in group]
            for place, index, rule in ((g, i, rule) for g, group in enumerate(groups) for i, rule in enumerate(group)):
                signals = tuple(_signals(rule, rules))
                for what, changed in _changes(rule):
                    yield Mutant(path, place, index, name(rule), what, changed, signals)


def name(rule: Rule) -> str:
    """The rule's name and what tells it from its neighbours: `CeleryQueueBacklog (warning)`."""
    labels = {k: v for k, v in rule.get("labels", {}).items() if k not in ("stack", "environment")}
    if "alert" in rule:
        return f"{rule['alert']} ({labels['signal']}, {labels['severity']})"
    return f"{rule['record']} ({', '.join(labels.values())})" if labels else str(rule["record"])


def _changes(rule: Rule) -> Iterator[tuple[str, Rule]]:
    judges = "signal" in rule.get("labels", {})
    for mistake in mistakes(rule["expr"], FINE if judges else COARSE):
        yield mistake.what, {**rule, "expr": mistake.text}
    for key in ("for", "keep_firing_for"):
        if key in rule:
            yield from _durations(rule, key)
    labels = rule.get("labels", {})
    if "witness" in labels:
        yield "witness dropped", {**rule, "record": "celery:dropped"}
    for key in ("severity", "state"):
        if key in labels:
            other = _SEVERITIES[labels[key]] if key == "severity" else "OTHER"
            yield f"{key} -> {other}", {**rule, "labels": {**labels, key: other}}
    if "alert" in rule:
        yield from _said(rule)


def _durations(rule: Rule, key: str) -> Iterator[tuple[str, Rule]]:
    yield f"{key} removed", {k: v for k, v in rule.items() if k != key}
    seconds = Duration.of(rule[key]).seconds
    for factor in (Fraction(1, 2), Fraction(2)):
        text = promql.seconds(seconds * factor)
        yield f"{key} {rule[key]} -> {text}", {**rule, key: text}


def _said(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Each label and annotation that is not otherwise changed, taken away."""
    for part in ("labels", "annotations"):
        for key in rule[part]:
            if (part, key) != ("labels", "severity"):
                yield f"{part}.{key} removed", {**rule, part: {k: v for k, v in rule[part].items() if k != key}}


def _signals(rule: Rule, rules: Iterable[Rule]) -> Iterator[str]:
    """The signals of the group whose alerts are computed from this rule, directly or through other records."""
    if "alert" in rule:
        yield rule["labels"]["signal"]
        return
    if "signal" in rule.get("labels", {}):
        yield rule["labels"]["signal"]
        return
    tainted, found = {rule["record"]}, dict[str, None]()
    for other in rules:
        if any(re.search(rf"(?<![\w:]){re.escape(t)}(?![\w:])", other["expr"]) for t in tainted):
            signal = other.get("labels", {}).get("signal")
            if signal:
                found[signal] = None
            else:
                tainted.add(other["record"])
    # What no alert needs, only dashboards, is looked at in the tests of the group's first signals.
    yield from found
    yield from (s for s in dict.fromkeys(o["labels"]["signal"] for o in rules if "alert" in o) if s not in found)
