"""Another stack in the same Prometheus is never read: every selector of a rule or panel asks for this stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser as ql
import pytest

from stackgen.emitters import grafana
from stackgen.emitters.prometheus import rule_tests
from stackgen.pipeline import prepare
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.rules.build import groups
from stackgen.verify.known import OF_ALERTS
from tests.grafana.queries import concrete, selectors

STACKS = {
    "everything": Path(__file__).parents[1] / "mutation" / "everything.yaml",
    "own": Path(__file__).parents[2] / "stack.yaml",
    "clusters": Path(__file__).parents[1] / "copies" / "clusters.stack.yaml",
}
ELSEWHERE = """
version: 1
stack: {name: shop, environment: staging}
celery: {app: shop, broker: {kind: redis}}
queues: {celery: {thresholds: {queue_length: {warning: 50}}}}
sources:
  - {name: celery-exporter, targets: ["exporter.staging:9808", "other.staging:9808"]}
  - {name: redis, targets: ["redis.staging:9121"]}
  - {name: worker, targets: ["w1.staging:9809"]}
"""


@pytest.fixture(scope="module", params=[*STACKS, "elsewhere"])
def plan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    path = STACKS.get(request.param)
    if path is None:
        path = tmp_path_factory.mktemp("elsewhere") / "stack.yaml"
        path.write_text(ELSEWHERE, encoding="utf-8")
    return prepare(path).plan


def test_every_selector_of_a_rule_asks_for_this_stack(plan: Plan) -> None:
    exprs = [rule.expr for group in groups(plan) for rule in group.recordings]
    exprs += [rule.expr for group in groups(plan) for rule in group.alerts]
    assert {problem for expr in exprs for problem in _foreign(expr, plan)} == set()


def test_every_selector_of_a_panel_asks_for_this_stack(plan: Plan) -> None:
    boards = [json.loads(render(a).text) for a in grafana.artefacts(plan) if a.syntax == "json"]
    exprs = [t["expr"] for b in boards for p in b["panels"] for t in p.get("targets", ()) if _is_promql(t)]
    exprs += [note["expr"] for board in boards for note in board["annotations"]["list"]]
    assert len(exprs) > 20
    assert {problem for expr in exprs for problem in _foreign(concrete(expr), plan)} == set()


def test_every_question_of_a_generated_test_asks_for_this_stack(plan: Plan) -> None:
    cases = [case for artefact in rule_tests.artefacts(plan) for case in artefact.context["cases"]]  # type: ignore[attr-defined]
    exprs = [query["expr"] for case in cases for query in case["queries"] or ()]
    assert len(exprs) > 50
    assert {problem for expr in exprs for problem in _foreign(expr, plan)} == set()


def test_every_recorded_series_and_alert_says_whose_it_is(plan: Plan) -> None:
    whose = {"stack": plan.spec.stack.name, "environment": plan.spec.stack.environment}
    for group in groups(plan):
        for labels in (*(r.labels for r in group.recordings), *(a.labels for a in group.alerts)):
            assert whose.items() <= labels.items()


def _is_promql(target: dict[str, dict[str, str]]) -> bool:
    return target["datasource"]["type"] == "prometheus"


def _foreign(expr: str, plan: Plan) -> Iterator[str]:
    """Selectors that another stack's series could answer."""
    for selector in selectors(ql.parse(expr)):
        asked = {(m.name, m.value) for m in selector.matchers.matchers}
        name = selector.name or ""
        if ":" in name or name in OF_ALERTS:
            foreign = not set(plan.site.identity.items()) <= asked
        else:
            job, instances = dict(asked).get("job", ""), dict(asked).get("instance", "")
            told = plan.site.told.get(job)
            targets = told.targets if told else ()
            foreign = not job or not all(re.fullmatch(instances, target) for target in targets)
        if foreign:
            yield f"{selector}: anybody's"
