"""What is made for CloudWatch: the agent's configuration, its container, its place in a diff, and its absence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen import pipeline
from stackgen.app.parts.lines import JsonLines
from stackgen.diff.compare import compare
from stackgen.diff.words import render
from stackgen.emitters.logs import SHIPPERS
from stackgen.emitters.logs.cloudwatch import AGENT, ROTATED, TEMPLATE, TIMESTAMP
from stackgen.problem import SpecError

STACK = """\
version: 1
stack: {name: shop, environment: pre-prod}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
"""


def _stage(
    folder: Path, cloudwatch_part: str = "{}", *, shippers: str = "cloudwatch", more: str = ""
) -> pipeline.Stage:
    stack = folder / "stack.yaml"
    text = f"{STACK}logs: {{shippers: [{shippers}], cloudwatch: {cloudwatch_part}}}\n{more}"
    stack.write_text(text, encoding="utf-8")
    return pipeline.stage(stack)


def _file(folder: Path, cloudwatch_part: str = "{}") -> Any:
    config = json.loads(_stage(folder, cloudwatch_part, more="outputs: [logs]\n").files[AGENT])
    (one,) = config["logs"]["logs_collected"]["files"]["collect_list"]
    return one


def _service(folder: Path, cloudwatch_part: str = "{}") -> Any:
    return yaml.safe_load(_stage(folder, cloudwatch_part).files["docker-compose.yml"])["services"]["cloudwatch-agent"]


def test_group_and_retention_follow_the_stack(tmp_path: Path) -> None:
    one = _file(tmp_path, "{retention_days: 90}")
    assert (one["log_group_name"], one["retention_in_days"]) == ("celery/shop/pre-prod", 90)


def test_every_file_is_read_and_none_is_removed(tmp_path: Path) -> None:
    one = _file(tmp_path)
    assert (one["publish_multi_logs"], one["auto_removal"]) == (True, False)


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        *(("worker.log", False), ("celery@web-1.log", False), ("worker-20.log", False), ("w1", False)),
        *(("worker.log.1", True), ("worker.log-20261122", True), ("worker-20261122.log", True), ("worker.1", True)),
    ],
)
def test_a_rotated_file_is_not_read_again_under_its_new_name(name: str, left_out: bool) -> None:
    assert (re.search(ROTATED, name) is not None) == left_out


AGENT_READS = {"%Y": r"\d{4}", "%m": r"\s{0,1}\d{1,2}", "%d": r"\s{0,1}\d{1,2}", "%f": r"(\d{1,9})"}
AGENT_READS |= dict.fromkeys(("%H", "%M", "%S"), r"\d{2}")
# What the agent's translator makes of each code: ruleTimestampFormat.go at 1.300071.


def test_the_agent_finds_the_time_of_a_line_that_the_module_wrote(tmp_path: Path) -> None:
    import logging

    from stackgen.app.parts.settings import Settings

    log = tmp_path / "celery.log"
    handler = JsonLines(Settings(name="shop"), str(log), dict)
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "at 2001-01-01T00:00:00.000Z", None, None)
    handler.emit(record)
    text = log.read_text(encoding="utf-8")
    pattern = TIMESTAMP.replace(".", r"\.")
    for code, read in AGENT_READS.items():
        pattern = pattern.replace(code, read)
    found = re.search(f"({pattern})", text)
    assert found
    moment = datetime.strptime(found[1], TIMESTAMP).replace(tzinfo=UTC)
    assert moment == datetime.fromisoformat(json.loads(text)["@timestamp"])


def test_the_container_gets_credentials_as_a_file_and_the_region_by_reference(tmp_path: Path) -> None:
    one = _service(tmp_path, "{credentials_file: /run/secrets/aws}")
    assert one["secrets"] == [{"source": "aws", "target": "/root/.aws/credentials"}]
    assert one["environment"]["AWS_REGION"] == "${AWS_REGION:-}"


def test_a_region_of_the_stack_is_not_asked_for_again(tmp_path: Path) -> None:
    made = _stage(tmp_path, "{region: eu-central-1}").files
    assert json.loads(made[AGENT])["agent"] == {"region": "eu-central-1"}
    assert "AWS_REGION" not in made["docker-compose.yml"] + made[".env.example"]


def test_alarms_that_nobody_is_told_of_are_noticed(tmp_path: Path) -> None:
    told = "{alarm_topic: 'arn:aws:sns:eu-central-1:123456789012:celery'}"
    said = {p.where for part in ("{}", told) for p in _stage(tmp_path, part).prepared.notices()}
    assert "logs.cloudwatch.alarm_topic" in said
    assert "logs.cloudwatch.alarm_topic" not in {p.where for p in _stage(tmp_path, told).prepared.notices()}


def test_no_name_of_a_task_or_queue_gets_into_the_template(tmp_path: Path) -> None:
    named = """tasks: {"{{resolve:ssm:x}}": {period: 1h}, '"} || {': {owner: "{{resolve:ssm:y}}"}}""" + "\n"
    assert _stage(tmp_path, more=named).files[TEMPLATE] == _stage(tmp_path).files[TEMPLATE]


def test_a_change_of_retention_is_said_in_words(tmp_path: Path) -> None:
    old, new = (_stage(tmp_path, f"{{retention_days: {days}}}").files for days in (30, 90))
    told = render(compare(old, new), "text").splitlines()
    assert told[0] == "logs.cloudwatch.retention_days 30 → 90"
    assert told[1].startswith("and 3 files that follow from it: docker-compose.yml, logs/cloudwatch/")


def _without(config: Any, **gone: str) -> Any:
    return {
        key: {n: v for n, v in part.items() if n != gone.get(key)} if isinstance(part, dict) else part
        for key, part in config.items()
    }


_OURS = re.compile(r"-(.*(cloudwatch|CloudWatch|AWS_).*|```(text)?|fields @timestamp.*)?")


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [path for path in old if path in new and old[path] != new[path]]


def test_switched_off_it_takes_its_own_and_nothing_else(tmp_path: Path) -> None:
    others = [name for name in SHIPPERS if name != "cloudwatch"]
    on = _stage(tmp_path, shippers=", ".join(SHIPPERS)).files
    off = _stage(tmp_path, shippers=", ".join(others)).files
    assert set(on) - set(off) == {AGENT, TEMPLATE}
    assert set(off) <= set(on)
    compose = "docker-compose.yml"
    with_it, without = (yaml.safe_load(made[compose]) for made in (on, off))
    ours = {"services": "cloudwatch-agent", "networks": "outside", "volumes": "cloudwatch-agent"}
    assert _without(with_it, **ours) == without
    for path in _differing(on, off):
        lines = [*unified_diff(on[path].splitlines(), off[path].splitlines(), n=0, lineterm="")][2:]
        changed = [line for line in lines if not line.startswith("@@")]
        assert path in (compose, "plan.json") or all(_OURS.fullmatch(line) for line in changed), (path, changed)


def test_an_alarm_judges_a_metric_that_a_filter_makes(tmp_path: Path) -> None:
    """cfn-lint takes an alarm on any metric, and a default value beside dimensions, which the service refuses."""
    resources = yaml.safe_load(_stage(tmp_path, more="outputs: [logs]\n").files[TEMPLATE])["Resources"].values()
    filters = [one["Properties"] for one in resources if one["Type"] == "AWS::Logs::MetricFilter"]
    made = {
        (one["MetricNamespace"], one["MetricName"], dimension["Key"])
        for properties in filters
        for one in properties["MetricTransformations"]
        for dimension in one["Dimensions"]
        if "DefaultValue" not in one
    }
    alarms = [one["Properties"] for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
    asked = [alarm["Metrics"][0]["Expression"] for alarm in alarms if "Metrics" in alarm]
    query = r'SELECT SUM\((\w+)\) FROM SCHEMA\("([^"]+)", (\w+)\) GROUP BY \3 ORDER BY SUM\(\) DESC'
    found = [re.fullmatch(query, text) for text in asked]
    assert {(one[2], one[1], one[3]) for one in found if one} == made
    assert all(found)


LIMITS = {
    "log_failures: {warning: 5, for: 25m}": ("notice", "thresholds.log_failures.for: CloudWatch rounds 25m up to 30m"),
    "log_silence: {warning: 90s}": ("notice", "thresholds.log_silence.warning: CloudWatch rounds 3m30s up to 4m"),
    "log_silence: {warning: {threshold: 5m, keep_firing_for: 1h}}": (
        "notice",
        "thresholds.log_silence.warning.keep_firing_for: "
        "CloudWatch has no keep_firing_for: its alarm ends with its cause",
    ),
    "log_failures: {warning: 5, for: 4h}": (
        "error",
        "thresholds.log_failures.for: an alarm of CloudWatch looks back 3h at most, not 4h10m",
    ),
    "log_silence: {warning: 25h}": (
        "error",
        "thresholds.log_silence.warning: an alarm of CloudWatch looks back 1d at most, not 1d1h2m",
    ),
}


@pytest.mark.parametrize("written", LIMITS)
def test_a_number_that_cloudwatch_cannot_judge_is_said_at_its_line(written: str, tmp_path: Path) -> None:
    level, said = LIMITS[written]
    try:
        found = _stage(tmp_path, more=f"thresholds:\n  {written}\noutputs: [logs]\n").prepared.notices()
    except SpecError as error:
        found = list(error.problems)
    assert [p.mark.line for p in found if (p.level, f"{p.where}: {p.message}") == (level, said)] == [7]
