"""Whatever evaluates the rules reads the same ones: each file, read back, gives the groups of prometheus/rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from stackgen import pipeline
from stackgen.emitters import grafana_managed, mimir, prometheus, thanos, vmalert
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.verify.files import reparse
from tests.hostile.specs import specs
from tests.hostile.test_hostile import SETTINGS, accepted

SPECS = sorted((Path(__file__).parents[1] / "specs/valid").glob("*.yaml"))
Group = Mapping[str, Any]


def _read(emitter: Any, plan: Plan, folder: str) -> list[Any]:
    """The data of each file below the folder, which must hold every value that was printed into it."""
    rendered = [render(one) for one in emitter.artefacts(plan) if one.path.startswith(folder)]
    assert [problem for one in rendered for problem in reparse.of_file(one)] == []
    return [yaml.safe_load(one.text) for one in rendered]


def _wanted(plan: Plan) -> list[Group]:
    return [group for data in _read(prometheus, plan, "prometheus/rules/") for group in data["groups"]]


def _of_thanos(plan: Plan) -> list[Group]:
    (data,) = _read(thanos, plan, "thanos/")
    assert {group["partial_response_strategy"] for group in data["groups"]} == {"abort"}
    return [{k: v for k, v in group.items() if k != "partial_response_strategy"} for group in data["groups"]]


def _of_vmalert(plan: Plan) -> list[Group]:
    """The groups that were cut into steps, whole again; a step reads only what an earlier one records."""
    (data,) = _read(vmalert, plan, "vmalert/")
    steps: dict[str, int] = {}
    for step, rule in ((int(group["name"][-1]), rule) for group in data["groups"] for rule in group["rules"]):
        steps[rule.get("record")] = max(step, steps.get(rule.get("record"), 0))
    found: dict[str, dict[str, Any]] = {}
    for group in data["groups"]:
        name, step = group["name"][:-2], int(group["name"][-1])
        for rule in group["rules"]:
            read = set(re.findall(r"[a-z_]+:[a-z0-9_:]+", rule["expr"])) - {rule.get("record")}
            assert all(steps[one] < step for one in read & steps.keys()), rule
        found.setdefault(name, {"name": name, "interval": group["interval"], "rules": []})["rules"] += group["rules"]
    order = {repr(rule): number for group in _wanted(plan) for number, rule in enumerate(group["rules"])}
    return [{**group, "rules": sorted(group["rules"], key=lambda rule: order[repr(rule)])} for group in found.values()]


def _of_mimir(plan: Plan) -> list[Group]:
    (data,) = _read(mimir, plan, "mimir/")
    assert data["namespace"] == plan.site.named("rules")
    groups: list[Group] = data["groups"]
    return groups


def _of_grafana(plan: Plan) -> list[Group]:
    (data,) = _read(grafana_managed, plan, "grafana_managed/rules")
    uids = [rule["uid"] for group in data["groups"] for rule in group["rules"]]
    assert len(uids) == len(set(uids))
    assert all(re.fullmatch("[a-z0-9-]{1,40}", uid) for uid in uids)
    return [
        {"name": group["name"], "interval": group["interval"], "rules": [*map(_back, group["rules"])]}
        for group in data["groups"]
    ]


def _back(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The Prometheus rule that Grafana's is made of; what else it says must not change what it means."""
    (query, *steps), labels = rule["data"], {k: v.replace("$$", "$") for k, v in rule["labels"].items()}
    plain = {"expr": query["model"]["expr"], **({"labels": labels} if labels else {})}
    if "record" in rule:
        assert (rule["record"]["from"], steps) == (query["refId"], [])
        return {"record": rule["record"]["metric"], **plain}
    assert (rule["condition"], rule["noDataState"], rule["isPaused"]) == ("threshold", "OK", False)
    assert [step["refId"] for step in steps] == ["prometheus_math", "threshold"]
    texts = {name: text.replace("$values.query.Value", "$value") for name, text in rule["annotations"].items()}
    waits = {"for": rule["for"], "keep_firing_for": rule.get("keepFiringFor", "0s")}
    waits = {key: value for key, value in waits.items() if value != "0s"}
    return {"alert": rule["title"], **plain, **waits, "annotations": texts}


READERS = {"thanos": _of_thanos, "mimir": _of_mimir, "grafana": _of_grafana, "vmalert": _of_vmalert}


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_every_ruler_gets_the_rules_of_prometheus(spec: Path) -> None:
    plan = pipeline.prepare(spec).plan
    wanted = _wanted(plan)
    assert wanted
    for ruler, read in READERS.items():
        assert read(plan) == wanted, ruler


@pytest.mark.slow
@settings(SETTINGS, max_examples=5)
@given(specs())
def test_whatever_a_stack_is_called_and_wants(spec: Any) -> None:
    plan = accepted(spec)
    if plan is not None:
        wanted = _wanted(plan)
        assert [read(plan) for read in READERS.values()] == [wanted] * len(READERS)


def test_a_number_in_a_text_is_one_and_a_users_dollar_stays_one(tmp_path: Path) -> None:
    text = 'version: 1\nstack: {name: shop, labels: {a: "{{ $value }} $value"}}\nqueues: {celery: }\n'
    (tmp_path / "stack.yaml").write_text(f"{text}celery: {{app: a, broker: {{kind: redis}}}}\n", encoding="utf-8")
    plan = pipeline.prepare(tmp_path / "stack.yaml").plan
    (data,) = _read(grafana_managed, plan, "grafana_managed/rules")
    rules = [rule for group in data["groups"] for rule in group["rules"] if "annotations" in rule]
    assert any("{{ $values.query.Value | " in text for rule in rules for text in rule["annotations"].values())
    assert not any(re.search(r"\$value\b", text) for rule in rules for text in rule["annotations"].values())
    assert {rule["labels"]["a"] for rule in rules} == {'{{ "{{ $$value }} $$value" }}'}


def test_the_mimir_file_says_how_large_its_largest_group_is() -> None:
    plan = pipeline.prepare(SPECS[0].with_name("everything.yaml")).plan
    largest = max(len(group["rules"]) for group in _wanted(plan))
    (artefact,) = mimir.artefacts(plan)
    assert f"ruler_max_rules_per_rule_group: {largest} or more" in render(artefact).text
