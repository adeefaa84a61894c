"""Mistakes in alertmanager.yml, and what notices them: amtool, the routing tests in output/, the plan, the messages."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from stackgen.emitters import alertmanager as emitter
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.verify import tools
from stackgen.verify.written import amtool
from tests.alertmanager import meant, messages
from tests.alertmanager.reading import ways
from tests.alertmanager.stacks import CONFIG, ROUTES
from tests.mutation.documents import GONE, Change, Edit, another, duration, each, swapped, walk, without_one, words
from tests.mutation.documents import Path as Place

_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"', re.DOTALL)
_LISTS = {
    *("group_by", "equal", "mute_time_intervals", "inhibit_rules", "routes", "weekdays", "times", "matchers"),
    *("source_matchers", "target_matchers", "time_intervals"),
}
_OPERATORS = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_LABELS = {"severity": "signal", "signal": "severity", "owner": "queue", "queue": "owner"}


class Subject:
    """One stack's alertmanager.yml with its mistakes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.files = {one.path: render(one).text for one in emitter.artefacts(plan)}
        self.config = yaml.load(self.files[CONFIG], yaml.CSafeLoader)

    def mutants(self) -> Iterator[Change]:
        """Each mistake once."""
        seen = {json.dumps(self.config)}
        for change in each(self.config, self._edits):
            text = json.dumps(change.data)
            if text not in seen:
                seen.add(text)
                yield change

    def _edits(self, path: Place, value: Any) -> Iterator[Edit]:
        key = path[-1] if path else ""
        if isinstance(value, list) and key in _LISTS:
            yield from without_one(path, value)
            if key == "routes":
                yield from swapped(path, value)
        elif isinstance(value, dict):
            yield from self._of_mapping(path, value)
        elif key == "receiver":
            yield from another(path, value, (one["name"] for one in self.config["receivers"]))
        elif key in ("group_wait", "group_interval", "repeat_interval"):
            yield path, "dropped", GONE
            yield from duration(path, value)
        elif "matchers" in str(path[-2:-1]):
            yield from _matcher(path, value)
        elif path[:1] == ("receivers",) and len(path) > 2:
            yield from _option(path, value)
        elif path[:1] == ("time_intervals",) and key != "name":
            yield from _time(path, value)

    def _of_mapping(self, path: Place, value: dict[str, Any]) -> Iterator[Edit]:
        if "matchers" in value:
            yield path, "continue", {**value, "continue": True}
            yield path, "matchers dropped", {k: v for k, v in value.items() if k != "matchers"}
        if "group_by" in value:
            yield path, "group_by dropped", {k: v for k, v in value.items() if k != "group_by"}
        if "source_matchers" in value:
            turned = {"source_matchers": value["target_matchers"], "target_matchers": value["source_matchers"]}
            yield path, "source and target swapped", {**value, **turned}
        ways = [key for key in value if key.endswith("_configs")]
        yield from ((path, f"{way} dropped", {k: v for k, v in value.items() if k != way}) for way in ways)

    def by_check(self, change: Change) -> str:
        """What `stackgen check` says: amtool, and the routes in output/alertmanager/tests; "" when nothing."""
        with tempfile.TemporaryDirectory(prefix="stackgen-mutation-") as folder:
            root = Path(folder)
            (root / ROUTES).parent.mkdir(parents=True)
            (root / ROUTES).write_text(self.files[ROUTES], encoding="utf-8")
            (root / CONFIG).write_text(yaml.dump(change.data, Dumper=yaml.CSafeDumper), encoding="utf-8")
            return "; ".join(problem.message for problem in amtool.asked(root, [CONFIG], [ROUTES]))

    def by_tests(self, change: Change) -> str:
        """What our own tests say, which hold the file against the plan; "" when nothing."""
        config = change.data
        try:
            found = next(meant.findings(config, self.plan), "") or next(messages.missing(config), "")
        except (KeyError, ValueError, TypeError, IndexError) as error:
            return f"cannot be read: {error!r}"
        return found or next(filter(None, (_said(*text) for text in messages.texts(config))), "")

    def same(self, change: Change) -> str:
        """The proof that a change is none; "" when there is no proof."""
        config = change.data
        if _route_of(config, self.config) == self.config and _same_ways(config["route"], self.config["route"]):
            return "alerts with any labels that some route asks for, or with others, are told in the same way"
        if {**config, "inhibit_rules": self.config["inhibit_rules"]} == self.config:
            return (
                ""
                if self.by_tests(change)
                else "it mutes the same of all alerts that this and two other stacks can have"
            )
        return ""


def _route_of(config: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {**config, "route": other["route"]}


def _same_ways(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether all labels that can matter are told alike: every value that is asked for, another, and none."""
    asked: dict[str, set[str]] = {}
    for route in (one, other):
        for _, value in walk(route):
            if isinstance(value, dict):
                for text in value.get("matchers", ()):
                    label, _, pattern = _MATCHER.fullmatch(text).groups()  # type: ignore[union-attr]
                    asked.setdefault(label, {"", "another"}).update({pattern, *pattern.split("|")})
    combined = product(*(sorted(values) for values in asked.values()))
    every = [{name: value for name, value in zip(asked, some, strict=True) if value} for some in combined]
    try:
        return all(ways(one, labels) == ways(other, labels) for labels in every)
    except (KeyError, ValueError):
        return False


@cache
def _said(option: str, text: str) -> str:
    with tempfile.TemporaryDirectory(prefix="stackgen-mutation-") as folder:
        return next(messages.wrong(option, text, tools.find("amtool"), Path(folder)), "")


def _matcher(path: Place, text: str) -> Iterator[Edit]:
    found = _MATCHER.fullmatch(text)
    assert found, text
    label, operator, value = found.groups()
    yield path, f"{operator} -> {_OPERATORS[operator]}", f'{label}{_OPERATORS[operator]}"{value}"'
    yield path, f"{label} renamed", f'{_LABELS.get(label, "signal")}{operator}"{value}"'
    alternatives = value.split("|") if operator == "=~" else [value]
    for number, one in enumerate(alternatives):
        rest = "|".join([*alternatives[:number], f"{one}x", *alternatives[number + 1 :]])
        yield path, f"{one} misspelt", f'{label}{operator}"{rest}"'


def _option(path: Place, value: Any) -> Iterator[Edit]:
    yield path, "dropped", GONE
    if isinstance(value, bool):
        yield path, f"{value} -> {not value}", not value
    elif isinstance(value, str):
        if "{{" in value:
            yield from words(path, value)
        else:
            yield path, f"{value} misspelt", f"{value}x"


def _time(path: Place, value: Any) -> Iterator[Edit]:
    others = {"UTC": "Europe/Berlin", "Europe/Berlin": "UTC", "saturday": "friday", "sunday": "monday"}
    if isinstance(value, str):
        yield path, f"{value} -> another", others.get(value, "05:59")
