"""Each alert of a stack reaches its receiver behind the operator, however the Alertmanager treats namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import yaml

from stackgen import pipeline
from stackgen.emitters.alertmanager import route_tests
from stackgen.verify.objects import operator
from stackgen.verify.objects.found import Found
from stackgen.verify.written import kubernetes
from tests.alertmanager import meant
from tests.alertmanager.reading import muted
from tests.alertmanager.test_amtool import HOSTILE
from tests.kubernetes import told
from tests.kubernetes.teams import STACKS, named, of_kind, staged

pytestmark = pytest.mark.promtool

STRATEGIES = [one for one in get_args(operator.Strategy) if one != "global"]
TEAM = next(path for path in STACKS if named(path) == "kube-prometheus-stack/stack.yaml")
OWN = next(path for path in STACKS if named(path) == "argo-cd/stack.yaml")


@cache
def made(stack: Path) -> pipeline.Stage:
    return pipeline.stage(stack)


def _object(stack: Path) -> Found:
    (one,) = of_kind(made(stack).files, "AlertmanagerConfig")
    return Found("kubernetes/alertmanagerconfig.yaml", one)


def _cases(stack: Path, others: Mapping[str, str]) -> list[dict[str, object]]:
    return told.cases(made(stack).prepared.plan, _object(stack), others)


# Enforced, the operator gives every alert the namespace of its rules, which is the same.
@pytest.mark.parametrize("enforced", [{}, {"namespace": "shop"}], ids=["as generated", "enforced"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_alert_reaches_its_receiver(
    strategy: operator.Strategy, enforced: Mapping[str, str], tmp_path: Path
) -> None:
    cases = _cases(TEAM, enforced)
    assert len(cases) > 80
    assert told.asked(operator.configuration(_object(TEAM), strategy), cases, tmp_path) == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_the_label_the_default_strategy_routes_nothing(strategy: operator.Strategy, tmp_path: Path) -> None:
    found = told.asked(operator.configuration(_object(TEAM), strategy), _cases(TEAM, {"namespace": ""}), tmp_path)
    assert bool(found) is (strategy != "None")
    assert all("expected shop/celery-shop-production/" in one for one in found)


def test_the_label_is_on_every_rule() -> None:
    for stack in STACKS:
        plan, files = made(stack).prepared.plan, made(stack).files
        rules = [text for path, text in files.items() if path.startswith("prometheus/rules/")]
        found = [rule for text in rules for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
        spaces = {rule["labels"].get("namespace") for rule in found if "alert" in rule}
        assert spaces == {plan.spec.namespace}


def test_an_alertmanager_of_ones_own_hands_the_alerts_of_others_to_nobody(tmp_path: Path) -> None:
    config = operator.configuration(_object(OWN), "global")
    cases = _cases(OWN, {})
    cases.append(
        {"name": "other", "labels": {"stack": "other"}, "receivers": ["billing/celery-billing-production/nobody"]}
    )
    assert told.asked(config, cases, tmp_path) == []


def test_the_whole_configuration_as_a_secret_is_read(tmp_path: Path) -> None:
    text = TEAM.read_text(encoding="utf-8").replace("  secret: shop-env\n", "  secret: shop-env\n  routing: secret\n")
    made = staged(text, tmp_path)
    (secret,) = of_kind(made.files, "Secret")
    assert of_kind(made.files, "AlertmanagerConfig") == []
    config = yaml.safe_load(secret["stringData"]["alertmanager.yaml"])
    plan = made.prepared.plan
    cases: list[dict[str, object]] = [{**one, "labels": dict(one["labels"])} for one in route_tests.cases(plan)]
    assert told.asked(config, cases, tmp_path) == []


@pytest.mark.parametrize("stack", [TEAM, OWN], ids=named)
def test_alerts_mute_each_other_as_in_alertmanager_yml(stack: Path, tmp_path: Path) -> None:
    text = stack.read_text(encoding="utf-8").replace("outputs: [kubernetes,", "outputs: [kubernetes, alertmanager,")
    written = yaml.safe_load(staged(text, tmp_path).files["alertmanager/subtree.yml"])["inhibit_rules"]
    made_of_it = operator.configuration(_object(stack), "OnNamespace")["inhibit_rules"]
    firing = [*meant.alerts(made(stack).prepared.plan, ({}, {"environment": "another"}, {"stack": "another"}))]
    assert set(muted(made_of_it, firing)) == set(muted(written, firing)) != set()


def test_times_in_which_nothing_is_told_are_kept() -> None:
    (time,) = operator.configuration(_object(OWN), "global")["mute_time_intervals"]
    assert time == {
        "name": "billing/celery-billing-production/nights",
        "time_intervals": [
            {"times": [{"start_time": "22:00", "end_time": "24:00"}], "weekdays": ["saturday", "sunday"]}
        ],
    }


def test_a_queue_may_have_any_name(tmp_path: Path) -> None:
    name = yaml.safe_dump(HOSTILE, width=1000).strip()
    text = (
        "version: 1\nstack: {name: shop}\ncelery: {app: a, broker: {kind: redis}}\n"
        f"queues: {{celery: , ? {name} : }}\nsources: [{{name: worker, kubernetes: {{selector: a=b}}}}, redis]\n"
        "outputs: [kubernetes]\n"
        f"alerting: {{receivers: {{hook: {{webhook: {{url: 'http://hook'}}}}}}, queues: {{? {name} : hook}}}}\n"
    )
    made = staged(text, tmp_path)
    for path, written in made.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(written, encoding="utf-8")
    paths = [path for path in made.files if path.startswith("kubernetes/") and path.endswith(".yaml")]
    told = [one["receivers"] for one in route_tests.cases(made.prepared.plan) if ("queue", HOSTILE) in one["labels"]]
    assert told == [["shop-production-hook"]] * len(told) != []
    assert kubernetes.asked(tmp_path, paths, made.prepared.plan) == []
