"""Routes, routing cases and inhibition as data; tests/alertmanager asks the real programs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stackgen.artefact import Artefact
from stackgen.catalog import registry
from stackgen.catalog.inhibition import BLIND, INHIBITIONS, NEVER_MUTED
from stackgen.emitters.alertmanager import configuration, route_tests
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.resolve.routing import Routing, mutings, notices
from stackgen.rules import logs
from stackgen.rules.build import groups
from stackgen.rules.wording import texts
from stackgen.spec.receivers import owners
from tests.alertmanager.stacks import HEAD, plan_of, understood

ROOT = Path(__file__).parents[2]
STACKS = [ROOT / "stack.yaml", ROOT / "tests/specs/valid/alerting.yaml", ROOT / "tests/specs/valid/everything.yaml"]
HOOK = "receivers: {hook: {webhook: {url: 'http://hook'}}, other: {webhook: {url: 'http://other'}}}"


def _config(plan: Plan) -> dict[str, object]:
    (artefact,) = configuration.artefacts(plan)
    return _parsed(artefact)


def _parsed(artefact: Artefact) -> dict[str, object]:
    data: dict[str, object] = yaml.safe_load(render(artefact).text)
    return data


def _notices(text: str, folder: Path) -> list[str]:
    stack = folder / "stack.yaml"
    stack.write_text(text)
    document, plan = understood(stack)
    return [f"{p.mark.line}:{p.mark.column} {p.level} {p.rule}" for p in notices(plan, document)]


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_every_alert_severity_and_owner_has_a_routing_case(stack: Path) -> None:
    plan = understood(stack)[1]
    (artefact,) = route_tests.artefacts(plan)
    labels = [dict(case["labels"]) for case in _listed(artefact.context["cases"])]
    cases = {(one["alertname"], one["signal"], one["severity"], one["owner"]) for one in labels}
    in_logs = (logs.group(plan),) if plan.has_loki else ()
    rules = [rule for group in (*groups(plan), *in_logs) for rule in group.alerts]
    possible = {
        (rule.alert.signal.alert, rule.labels["signal"], rule.alert.severity, owner)
        for rule in rules
        for owner in owners(plan.spec)
        if f'"{owner}"' in rule.labels["owner"] or rule.labels["owner"] == owner
    }
    assert possible == cases


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_every_queue_with_a_route_has_a_case_at_every_severity(stack: Path) -> None:
    plan = understood(stack)[1]
    (artefact,) = route_tests.artefacts(plan)
    labels = [dict(case["labels"]) for case in _listed(artefact.context["cases"])]
    found = {(one["queue"], one["severity"]) for one in labels if "queue" in one}
    severities = {alert.severity for alert in plan.alerts if "queue" in alert.signal.by}
    assert {(q, s) for q in Routing(plan.spec).special_queues() for s in severities} <= found


def test_a_short_stack_tells_nobody_and_says_so(tmp_path: Path) -> None:
    plan = plan_of(HEAD, tmp_path)
    config = _config(plan)
    assert config["receivers"] == [{"name": "nobody"}]
    assert "time_intervals" not in config
    assert _notices(HEAD, tmp_path) == ["1:1 notice nobody-told"]


def test_a_queue_wins_over_its_owner_and_an_owner_over_the_default(tmp_path: Path) -> None:
    alerting = f"alerting: {{{HOOK}, default: hook, owners: {{data: {{critical: other}}}}, queues: {{bulk: nobody}}}}\n"
    routing = Routing(plan_of(HEAD + alerting, tmp_path).spec)
    assert routing.receiver("critical", "platform") == "hook"
    assert routing.receiver("critical", "data") == "other"
    assert routing.receiver("warning", "data") == "hook"
    assert routing.receiver("critical", "data", "bulk") == "nobody"


def test_critical_is_muted_only_where_it_is_named(tmp_path: Path) -> None:
    mutes = "[{name: night, times: ['00:00-06:00']}, {name: all, weekdays: [sunday], severities: [critical]}]"
    routing = Routing(plan_of(HEAD + f"alerting: {{{HOOK}, default: hook, mute: {mutes}}}\n", tmp_path).spec)
    assert {leaf.severity: leaf.mutes for leaf in routing.default} == {
        "critical": ("all",),
        "warning": ("night",),
        "info": ("night",),
    }


def test_a_mute_of_one_queue_or_owner_leaves_the_others_alone(tmp_path: Path) -> None:
    mutes = "[{name: a, weekdays: [sunday], owners: [data]}, {name: b, weekdays: [monday], queues: [celery]}]"
    routing = Routing(plan_of(HEAD + f"alerting: {{{HOOK}, default: hook, mute: {mutes}}}\n", tmp_path).spec)
    assert routing.mutes("warning", "platform") == ()
    assert routing.mutes("warning", "data", "bulk") == ("a",)
    assert routing.mutes("warning", "platform", "celery") == ("b",)
    assert [(b.label, b.value) for b in routing.branches] == [("queue", "celery"), ("owner", "data")]


def test_a_route_that_changes_nothing_is_left_out(tmp_path: Path) -> None:
    alerting = f"alerting: {{{HOOK}, default: hook, owners: {{data: hook}}, queues: {{bulk: {{info: hook}}}}}}\n"
    assert Routing(plan_of(HEAD + alerting, tmp_path).spec).branches == ()


def test_what_is_told_to_nobody_and_who_is_told_nothing_is_noticed(tmp_path: Path) -> None:
    alerting = f"alerting:\n  {HOOK}\n  default: {{critical: hook}}\n"
    assert _notices(HEAD + alerting, tmp_path) == [
        "10:3 notice nobody-told",
        "8:1 notice no-dead-mans-switch",
        "1:1 notice local-links",
        "9:54 notice unused-receiver",
    ]


LINKS = "links: {grafana: https://g.example, prometheus: https://p.example, alertmanager: https://a.example}\n"


def test_links_of_this_machine_only_are_one_notice_with_the_keys_to_set(tmp_path: Path) -> None:
    alerting = f"alerting: {{{HOOK}, default: hook, watchdog: hook}}\n"
    (tmp_path / "stack.yaml").write_text(HEAD + LINKS + alerting)
    document, plan = understood(tmp_path / "stack.yaml")
    (found,) = [n for n in notices(plan, document) if n.rule == "local-links"]
    assert found.hint == "say where people reach them: links.runbooks"


def test_a_watchdog_in_a_chat_is_told(tmp_path: Path) -> None:
    chat = "receivers: {chat: {slack: {api_url_file: /run/secrets/s, channel: '#c'}}}"
    found = _notices(HEAD + f"alerting: {{{chat}, default: chat, watchdog: chat}}\n", tmp_path)
    assert [n for n in found if "watchdog" in n] == ["8:102 notice watchdog-chat"]


def test_an_alert_names_only_what_is_generated(tmp_path: Path) -> None:
    plan = plan_of(HEAD + "outputs: [prometheus]\n", tmp_path)
    assert {name for alert in plan.alerts for name in texts(alert, plan)} == {"summary", "description"}


def test_two_sources_that_are_down_are_two_messages(tmp_path: Path) -> None:
    routing = Routing(plan_of(HEAD + f"alerting: {{{HOOK}, default: hook}}\n", tmp_path).spec)
    assert "source" in routing.pace("critical").group_by


def test_where_everybody_is_told_there_is_nothing_to_notice(tmp_path: Path) -> None:
    everything = f"alerting:\n  {HOOK}\n  default: hook\n  watchdog: other\n"
    links = LINKS.replace("}", ", runbooks: https://r.example}")
    assert _notices(HEAD + links + everything, tmp_path) == []


def test_repeat_is_a_multiple_of_the_interval(tmp_path: Path) -> None:
    timing = "timing: {critical: {group_interval: 7m}, warning: {repeat_interval: 10m}}"
    routing = Routing(plan_of(HEAD + f"alerting: {{{timing}}}\n", tmp_path).spec)
    assert [str(routing.pace(s).repeat_interval) for s in ("critical", "warning", "info")] == ["1h3m", "10m", "1d"]


def test_inhibition_has_no_circles() -> None:
    """Otherwise two alerts could mute each other, and nobody would be told."""
    never = {signal.id for signal in NEVER_MUTED}
    blinded = {s.id for s in registry.signals().values() if s.family != "stack" and s.id not in never}
    edges = {BLIND.id: set(blinded)}
    for one in INHIBITIONS:
        edges.setdefault(one.by.id, set()).update(signal.id for signal in one.mutes)
    for start in edges:
        reached, todo = set[str](), [start]
        while todo:
            below = edges.get(todo.pop(), set()) - reached
            reached |= below
            todo += below
        assert start not in reached


def test_nothing_mutes_the_watchdog() -> None:
    never = {signal.id for signal in NEVER_MUTED}
    assert [one for one in INHIBITIONS if never & {signal.id for signal in one.mutes}] == []


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_what_must_be_equal_is_on_both_sides(stack: Path) -> None:
    """Alertmanager takes a label that both sides lack as equal: then one queue's alert would mute another's."""
    signals = registry.signals()
    always = {"stack", "environment", "signal", "severity", "owner", "alertname"}
    for muting in mutings(understood(stack)[1]):
        for side in (muting.by, muting.targets):
            for name in side["signal"]:
                assert set(muting.equal) <= always | set(signals[name].by), muting.why


def _listed(value: object) -> list[dict[str, list[tuple[str, str]]]]:
    assert isinstance(value, list)
    return value
