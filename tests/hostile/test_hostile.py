"""Whatever an accepted stack.yaml says, the output can be read, means it, and passes its own generated tests."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from stackgen.artefact import Rendered
from stackgen.cases.pace import CROWD
from stackgen.emitters import logs, prometheus
from stackgen.load import load
from stackgen.problem import SpecError
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.resolve.resolver import resolve
from stackgen.rules.build import OVERRIDE
from stackgen.spec import parse
from stackgen.verify import tools
from stackgen.verify.files import reparse
from tests.hostile.specs import VERY_HOSTILE, Spec, specs

SETTINGS = settings(suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate))


def accepted(spec: Spec) -> Plan | None:
    """The plan of the spec without what its sources cannot give; None if it is refused even so."""
    for _ in range(9):
        try:
            return _plan(spec)
        except SpecError as error:
            milder = _without(spec, {problem.where for problem in error.problems})
            if milder == spec:
                return None
            spec = milder
    return None


def _plan(spec: Spec) -> Plan:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stack.yaml"
        file.write_text(as_yaml(spec), encoding="utf-8")
        document = load(file)
    return resolve(parse(document), document)


def as_yaml(spec: Spec) -> str:
    """JSON is YAML but for characters beyond the 16 bits of \\u."""
    pair = re.compile(r"(\\\\)*\\u(d[89ab]..)\\u(d[c-f]..)")

    def joined(match: re.Match[str]) -> str:
        high, low = int(match[2], 16), int(match[3], 16)
        return f"{match[1] or ''}\\U{0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00:08x}"

    return pair.sub(joined, json.dumps(spec))


def _without(spec: Spec, places: Iterable[str]) -> Spec:
    sections = {place.partition(".")[0] for place in places}
    milder = {key: value for key, value in spec.items() if key not in sections or key in ("celery", "stack")}
    if "queues" in sections:
        milder["queues"] = {name: {} for name in spec["queues"]}
    return milder


def _rendered(plan: Plan) -> list[Rendered]:
    return [render(artefact) for artefact in (*prometheus.artefacts(plan), *logs.artefacts(plan))]


def _listed(plan: Plan) -> set[str]:
    """Queues and tasks with a limit of their own."""
    return {who for alert in plan.alerts for who in alert.overrides}


def _written(made: Iterable[Rendered]) -> set[str]:
    """The queues and tasks that the recorded limits name."""
    found: set[str] = set()
    for one in made:
        if one.artefact.path.startswith("prometheus/rules/"):
            groups = yaml.load(one.text, Loader=yaml.CSafeLoader)["groups"]
            for rule in (rule for group in groups for rule in group["rules"]):
                if rule.get("record") == OVERRIDE:
                    found |= {text for name, text in rule["labels"].items() if name in ("queue", "task")}
    return found


def run(plan: Plan, promtool: Path, folder: Path, only: Iterable[str] = ()) -> str:
    """What promtool says against the rules and the generated tests (of some signals, or of all); "" when nothing."""
    for one in _rendered(plan):
        target = folder / one.artefact.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(one.text, encoding="utf-8")
    rules = sorted((folder / "prometheus" / "rules").iterdir())
    tests = sorted(f"prometheus/tests/{s.id}.yml" for s in plan.metric_signals if not only or s.id in only)
    done = tools.run(promtool, "check", "rules", *rules, cwd=folder)
    if done.code == 0:
        done = tools.run(promtool, "test", "rules", *tests, cwd=folder)
    return f"{done.err}{done.out}" if done.code else ""


def named(spec: Spec) -> set[str]:
    """The signals whose numbers the spec sets: those worth testing, the others have been tested often enough."""
    parts = [spec, *spec.get("queues", {}).values(), *spec.get("tasks", {}).values()]
    found = {signal for part in parts for signal in part.get("thresholds", {})}
    if any("min_workers" in queue for queue in spec["queues"].values()):
        found.add("queue_workers")
    if any("period" in task for task in spec.get("tasks", {}).values()):
        found.add("task_overdue")
    return found | {"watchdog"}


@settings(SETTINGS, max_examples=30)
@given(spec=specs())
def test_accepted_specs_are_rendered_readably_and_mean_the_names(spec: Spec) -> None:
    plan = accepted(spec)
    if plan is None:
        return

    made = _rendered(plan)

    assert [problem for one in made for problem in reparse.of_file(one)] == []
    assert _listed(plan) == _written(made)


@pytest.mark.promtool
@pytest.mark.slow
@settings(SETTINGS, max_examples=4)
@given(spec=specs())
def test_generated_tests_pass_for_any_numbers(spec: Spec, promtool: Path) -> None:
    plan = accepted(spec)
    if plan is None:
        return

    with tempfile.TemporaryDirectory() as folder:
        assert run(plan, promtool, Path(folder), named(spec)) == ""


@pytest.mark.promtool
@pytest.mark.slow
def test_generated_tests_pass_when_every_name_is_hostile(promtool: Path, tmp_path: Path) -> None:
    only = {"queue_length", "queue_workers", "task_failure_ratio", "task_overdue", "dead_letter_length"}

    assert run(_plan(VERY_HOSTILE), promtool, tmp_path, only) == ""


@pytest.mark.promtool
@pytest.mark.slow
def test_generated_tests_pass_when_hundreds_of_queues_have_limits(promtool: Path, tmp_path: Path) -> None:
    limits = {"queue_length": {"warning": 500}, "queue_drain_time": {"warning": "20m"}}
    queues = {f"queue-{number}": {"thresholds": limits} for number in range(CROWD)}
    spec: Spec = {**VERY_HOSTILE, "queues": queues, "tasks": {}}

    assert run(_plan(spec), promtool, tmp_path, {"queue_length", "queue_stuck", "queue_drain_time"}) == ""
