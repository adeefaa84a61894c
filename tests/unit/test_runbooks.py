"""Runbooks: one page for each alert, with exactly the numbers of the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.catalog import runbook
from stackgen.catalog.signal import SEVERITIES
from stackgen.emitters import runbooks
from stackgen.render.environment import render
from stackgen.resolve.plan import Logged, Plan
from stackgen.resolve.words import limit
from stackgen.rules import logs
from stackgen.rules.build import condition

REPOSITORY = Path(__file__).resolve().parents[2]
STACKS = [REPOSITORY / "stack.yaml", *sorted((REPOSITORY / "tests/specs/valid").glob("*.yaml"))]
SMALL = """
version: 1
stack: {name: shop}
celery: {app: "proj.celery:app", broker: {kind: rabbitmq}}
queues: {celery: {min_workers: 2, owner: mail}, slow: {thresholds: {queue_length: {critical: 90000}}}}
tasks: {shop.report: {period: 1h}}
ignore: {queues: ["tmp.*"]}
thresholds: {queue_length: {critical: {threshold: 7000, for: 1m, keep_firing_for: 3m}}}
"""


@pytest.fixture(scope="module", params=STACKS, ids=lambda path: path.stem)
def plan(request: pytest.FixtureRequest) -> Plan:
    """Each valid stack in turn."""
    return pipeline.prepare(request.param).plan


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The runbooks of a small stack."""
    stack = tmp_path_factory.mktemp("small") / "stack.yaml"
    stack.write_text(SMALL)
    return _pages(pipeline.prepare(stack).plan)


def _pages(plan: Plan) -> dict[str, str]:
    return {a.path.removeprefix("runbooks/"): render(a).text for a in runbooks.artefacts(plan)}


def test_every_alert_has_a_page_and_a_line_in_the_index(plan: Plan) -> None:
    pages = _pages(plan)
    alerts = {f"{one.signal.alert}.md" for one in plan.everything}
    assert alerts | {"README.md"} == set(pages)
    assert [name for name in alerts if f"]({name})" not in pages["README.md"]] == []


def test_every_number_is_the_plans(plan: Plan) -> None:
    pages = _pages(plan)
    for one in plan.everything:
        page = pages[f"{one.signal.alert}.md"]
        for severity, bound in one.bounds.items():
            if one.signal.id != "watchdog" and bound.threshold is not None:
                words = f"{one.signal.bad_when} {limit(bound.threshold, one.signal.unit)}"
                assert f"| {severity} | {words} |" in page
            for threshold in one.overridden(severity).values():
                assert f"| {severity} | {limit(threshold, one.signal.unit)} |" in page
            if isinstance(one, Logged):
                assert logs.condition(one, severity, plan) in page
            else:
                assert condition(one, severity, plan).rstrip("\n") in page


def test_every_guard_is_named(plan: Plan) -> None:
    pages = _pages(plan)
    for one in plan.judged:
        for severity in one.bounds:
            for guard, least in one.guards(severity):
                assert f"{guard.setting} {least}" in pages[f"{one.signal.alert}.md"]


def test_one_page_tells_of_every_signal_of_an_alert(small: dict[str, str]) -> None:
    page = small["CeleryWorkersMissing.md"]
    assert "## Workers on a queue" in page
    assert "## Active workers, of the most in the last hour" in page


def test_what_stack_yaml_sets_is_told_apart_from_defaults(small: dict[str, str]) -> None:
    page = small["CeleryQueueBacklog.md"]
    assert '| warning | above 1000 | 10m | – | `any` | default | guide, "Queue Metrics" |' in page
    assert '| critical | above 7000 | 1m | 3m | `any` | stack.yaml | guide, "Critical Alerts" |' in page
    assert "| `slow` | critical | 90000 |" in page


def test_a_limit_of_its_own_needs_no_number_for_all(small: dict[str, str]) -> None:
    assert "| warning | above its own limit |" in small["CeleryTaskOverdue.md"]
    assert "| `shop.report` | warning | 1h |" in small["CeleryTaskOverdue.md"]


def test_owners_and_ignored_names_are_told(small: dict[str, str]) -> None:
    assert "| `celery` | `mail` |" in small["CeleryQueueBacklog.md"]
    assert "- `tmp.*`" in small["CeleryQueueBacklog.md"]


def test_commands_are_for_this_application_and_broker(small: dict[str, str]) -> None:
    page = small["CeleryQueueBacklog.md"]
    assert "celery -A proj.celery:app inspect active_queues" in page
    assert "rabbitmqctl list_queues" in page
    assert "redis-cli" not in page
    assert "{app}" not in "".join(small.values())


def test_commands_that_lose_work_stand_below_the_warning(plan: Plan) -> None:
    for name, page in _pages(plan).items():
        safe, _, lost = page.partition("## Only when you know why")
        for word in ("control shutdown", "control revoke", "control terminate", "purge -f"):
            assert word not in safe, name
        assert not lost or "> **Warning.**" in lost, name


def test_every_default_of_the_catalogue_has_an_origin() -> None:
    for (signal, severity), origin in runbook.ORIGINS.items():
        assert severity in SEVERITIES
        assert origin.startswith("guide"), signal


def test_names_of_the_user_are_text(plan: Plan) -> None:
    allowed = ("<!-- Generated by celery-stackgen",)
    for page in _pages(plan).values():
        outside = "".join(page.split("```")[::2])
        tags = [line for line in outside.splitlines() if line.startswith("<") and not line.startswith(allowed)]
        assert tags == []


def test_long_lists_are_cut_and_the_cut_is_told(tmp_path: Path) -> None:
    queues = ", ".join(f"q{n}: {{owner: o{n}, thresholds: {{queue_length: {{warning: 9}}}}}}" for n in range(450))
    stack = tmp_path / "stack.yaml"
    stack.write_text(
        f"version: 1\nstack: {{name: big}}\ncelery: {{app: a, broker: {{kind: redis}}}}\nqueues: {{{queues}}}\n"
    )
    page = _pages(pipeline.prepare(stack).plan)["CeleryQueueBacklog.md"]
    assert "And 250 more; a query below shows all." in page
    assert "And 250 more, in stack.yaml." in page
    assert page.count("| warning | 9 |") == runbooks.MOST
    assert 'celery:threshold{signal="queue_length"}' in page
