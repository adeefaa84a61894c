"""The real amtool accepts what is generated, finds every alert's receiver, and notices a wrong route."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen.problem import ToolMissing
from stackgen.verify.written import amtool
from tests.alertmanager.stacks import CONFIG, HEAD, ROUTES, plan_of, understood, write

pytestmark = pytest.mark.promtool

SPECS = sorted((Path(__file__).parents[1] / "specs/valid").glob("*.yaml"))
NEEDS_NEWER = ("url_file", "msteamsv2")
HOSTILE = r"""q"1\n | {a="b"}, 'c' $x .* é"""


def _use(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    monkeypatch.setenv("STACKGEN_AMTOOL", str(tree / "usr/bin/amtool"))


@pytest.mark.parametrize("spec", [*SPECS, Path(__file__).parents[2] / "stack.yaml"], ids=lambda path: path.stem)
def test_it_agrees_with_every_valid_stack(
    spec: Path, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, tree)
    text = write(understood(spec)[1], tmp_path).read_text()
    if tree.name == "v2" and any(option in text for option in NEEDS_NEWER):
        assert "needs Alertmanager 0.2" in text.splitlines()[1]
    else:
        assert amtool.asked(tmp_path, [CONFIG], [ROUTES]) == []


def test_without_its_newer_options_everything_is_read_by_debian_too(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, tree)
    text = (
        SPECS[0].with_name("alerting.yaml").read_text().replace("url_file: /run/secrets/deadman_url", "url: http://d")
    )
    older = "".join(line for line in text.splitlines(keepends=True) if "msteamsv2" not in line)
    config = write(plan_of(older, tmp_path), tmp_path).read_text()
    assert all(option in config for option in ("opsgenie_configs", "email_configs", "time_intervals", "location"))
    assert amtool.asked(tmp_path, [CONFIG], [ROUTES]) == []


def test_a_queue_may_have_any_name(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, tree)
    name = yaml.safe_dump(HOSTILE, width=1000).strip()
    alerting = f"alerting: {{receivers: {{hook: {{webhook: {{url: 'http://hook'}}}}}}, queues: {{? {name} : hook}}}}\n"
    text = HEAD.replace("{celery: ,", f"{{celery: , ? {name} : {{}},") + alerting
    plan = plan_of(text.replace("[celery-exporter, worker, redis]", "[worker, redis]"), tmp_path)
    write(plan, tmp_path)
    told = [case["receivers"] for case in _cases(tmp_path) if case["labels"].get("queue") == HOSTILE]
    assert told == [["hook"]] * len(told) != []
    assert amtool.asked(tmp_path, [CONFIG], [ROUTES]) == []


def test_a_wrong_route_is_noticed(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, tree)
    alerting = "alerting: {receivers: {hook: {webhook: {url: 'http://hook'}}}, default: {critical: hook}}\n"
    config = write(plan_of(HEAD + alerting, tmp_path), tmp_path)
    config.write_text(config.read_text().replace('severity="critical"', 'severity="crit"', 1))
    found = amtool.asked(tmp_path, [CONFIG], [ROUTES])
    assert {(p.mark.file, p.rule) for p in found} == {(ROUTES, "amtool-routes-test")}
    assert "expected hook to be told; amtool says: nobody" in found[0].message


def test_a_file_that_alertmanager_refuses_is_told_in_its_words(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, tree)
    config = write(plan_of(HEAD, tmp_path), tmp_path)
    config.write_text(config.read_text().replace("receiver: nobody", "receiver: somebody", 1))
    (found,) = amtool.asked(tmp_path, [CONFIG], [ROUTES])
    assert (found.mark.file, found.rule) == (CONFIG, "amtool-check-config")
    assert 'undefined receiver "somebody" used in route' in found.message


def test_without_amtool_nothing_is_called_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(plan_of(HEAD, tmp_path), tmp_path)
    monkeypatch.setenv("STACKGEN_AMTOOL", "/nowhere/amtool")
    with pytest.raises(ToolMissing):
        amtool.asked(tmp_path, [CONFIG], [ROUTES])


def test_cases_that_routes_cannot_tell_apart_are_asked_once(tmp_path: Path) -> None:
    config = yaml.safe_load(write(plan_of(HEAD, tmp_path), tmp_path).read_text())
    cases = [amtool.Case(c["name"], c["labels"], tuple(c["receivers"])) for c in _cases(tmp_path)]
    asked = list(amtool.distinct(cases, config))
    assert [case.labels["severity"] for case in asked if case.labels["signal"] != "watchdog"] == [
        "warning",
        "critical",
        "info",
    ]
    config["route"]["routes"][0]["matchers"] = ['alertname=~".*"']
    assert list(amtool.distinct(cases, config)) == cases


def _cases(output: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((output / ROUTES).read_text())["cases"]
    return found
