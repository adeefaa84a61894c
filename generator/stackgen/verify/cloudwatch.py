"""The agent's configuration and the CloudFormation template, where their own schemas let mistakes through.

The options are those of the agent's schema (aws/amazon-cloudwatch-agent, translator/config/schema.json at 01c5802b),
which takes any further section, any class of log group and any timestamp format. cfn-lint takes a default value beside
dimensions, which the service refuses, and an alarm on a metric that nobody makes. `config-translator`, which comes with
the agent and holds the file against that schema, is asked where it is on the machine; it was not in our lab.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, get_args

import yaml

from stackgen.problem import Mark, Problem
from stackgen.spec.logs import RetentionDays

AGENT = "logs/cloudwatch/amazon-cloudwatch-agent.json"
TEMPLATE = "logs/cloudwatch/cloudformation.yaml"
MOST_FILTERS = 100
"""Metric filters of one log group."""
MOST_DIMENSIONS = 3
DAY = 86_400

Data = Any  # JSON and YAML of a known form: emitters/logs/cloudwatch.py made them
_NAME = "[A-Za-z0-9_./#{}-]{1,512}"
_CLASS = "STANDARD|INFREQUENT_ACCESS|DELIVERY"
_TEXTS = {
    "file_path": "/.{0,4095}",
    "blacklist": ".{1,4096}",
    "log_group_name": _NAME,
    "log_group_class": _CLASS,
    "log_stream_name": _NAME,
    "timestamp_format": "([^%]|%-[mdIMS]|%[BbmAadHIMSYypZzf])+",
    "timezone": "UTC",
}
_OTHERS: Mapping[str, tuple[object, ...]] = {
    "publish_multi_logs": (True, False),
    "auto_removal": (False,),
    "retention_in_days": get_args(RetentionDays),
}
_NEEDED = ("file_path", "log_group_name", "log_stream_name", "retention_in_days", "timestamp_format", "timezone")
Found = tuple[str, str]
"""Where, and what is wrong there."""


def problems(files: Mapping[str, str], paths: Iterable[str]) -> list[Problem]:
    """What the agent or CloudWatch would refuse, or ignore, in the agent's files and the template beside them."""
    return [problem for path in paths for problem in _of_file(path, files)]


def _of_file(path: str, files: Mapping[str, str]) -> Iterator[Problem]:
    config = json.loads(files[path])
    found = [Problem(Mark(path), "cloudwatch-option", at, said) for at, said in _agent(config)]
    if found:
        yield from found
        return
    template = yaml.load(files[TEMPLATE], getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    (file,) = config["logs"]["logs_collected"]["files"]["collect_list"]
    wrong = [*_group(template["Resources"], file), *_template(template["Resources"])]
    if "{{resolve:" in files[TEMPLATE]:
        wrong.append(("Resources", "a text would be replaced by a secret or parameter when the stack is made"))
    yield from (Problem(Mark(TEMPLATE), "cloudwatch-template", at, said) for at, said in wrong)


def _agent(config: Data) -> Iterator[Found]:
    yield from _keys("", config, {"agent", "logs"})
    yield from _keys("agent", config.get("agent", {}), {"region"})
    files = config.get("logs", {}).get("logs_collected", {}).get("files", {}).get("collect_list", [])
    if len(files) != 1:
        yield "collect_list", f"expected one entry, got {len(files)}"
    for one in files:
        yield from _keys("collect_list", one, {*_TEXTS, *_OTHERS})
        yield from ((key, "is missing") for key in _NEEDED if key not in one)
        yield from ((k, f"cannot be {v!r}") for k, v in one.items() if not _fits(k, v))
        try:
            re.compile(one.get("blacklist", ""))
        except re.error as error:
            yield "blacklist", f"no regular expression: {error}"
        if "*" in one.get("file_path", "") and not one.get("publish_multi_logs"):
            yield "publish_multi_logs", "of several files only the newest would be read"


def _keys(where: str, data: Mapping[str, object], known: Container[str]) -> Iterator[Found]:
    return ((f"{where}.{key}".lstrip("."), "the agent has no such option") for key in data if key not in known)


def _fits(key: str, value: object) -> bool:
    if key in _OTHERS:
        return any(type(value) is type(one) and value == one for one in _OTHERS[key])
    return key not in _TEXTS or (isinstance(value, str) and re.fullmatch(_TEXTS[key], value) is not None)


def _group(resources: Mapping[str, Any], file: Mapping[str, Any]) -> Iterator[Found]:
    for name, one in resources.items():
        if one["Type"] == "AWS::Logs::LogGroup":
            made = (one["Properties"]["LogGroupName"], one["Properties"]["RetentionInDays"])
            if made != (file["log_group_name"], file["retention_in_days"]):
                yield name, "the agent has another name or retention for this log group"


def _template(resources: Mapping[str, Any]) -> Iterator[Found]:
    filters, alarms = (
        [(name, one["Properties"]) for name, one in resources.items() if one["Type"] == kind]
        for kind in ("AWS::Logs::MetricFilter", "AWS::CloudWatch::Alarm")
    )
    if len(filters) > MOST_FILTERS:
        yield "Resources", f"a log group has at most {MOST_FILTERS} metric filters"
    for metric_filter in filters:
        yield from _filter(*metric_filter)
    made = {
        (one["MetricNamespace"], one["MetricName"]): {d["Key"] for d in one.get("Dimensions", [])}
        for _, properties in filters
        for one in properties["MetricTransformations"]
    }
    for name, alarm in alarms:
        yield from ((name, said) for said in (*_periods(alarm), *_metric(alarm, made)))


def _filter(name: str, properties: Mapping[str, Any]) -> Iterator[Found]:
    (one,) = properties["MetricTransformations"]
    if "Dimensions" in one and "DefaultValue" in one:
        yield name, "Dimensions and DefaultValue cannot stand together"
    if len(one.get("Dimensions", [])) > MOST_DIMENSIONS:
        yield name, f"at most {MOST_DIMENSIONS} dimensions"
    if not re.fullmatch(r"\{ .+ \}", properties["FilterPattern"]) or len(properties["FilterPattern"]) > 1024:
        yield name, "expected a pattern for JSON, in braces, of at most 1024 characters"


def _periods(alarm: Mapping[str, Any]) -> Iterator[str]:
    period = alarm.get("Period") or alarm["Metrics"][0]["Period"]
    if period % 60:
        yield f"a period is a multiple of 60 s, not {period}"
    if period * alarm["EvaluationPeriods"] > DAY:
        yield "an alarm looks back one day at most"


def _metric(alarm: Mapping[str, Any], made: Mapping[tuple[str, str], set[str]]) -> Iterator[str]:
    if (alarm.get("Namespace"), alarm.get("MetricName")) == ("AWS/Logs", "IncomingLogEvents"):
        if alarm["TreatMissingData"] != "breaching":
            yield "without lines this metric has no value: expected TreatMissingData breaching"
        return
    query = r'SELECT SUM\((\w+)\) FROM SCHEMA\("([^"]+)", ([\w, ]+)\) GROUP BY \3 ORDER BY SUM\(\) DESC'
    asked = re.fullmatch(query, alarm["Metrics"][0]["Expression"])
    if not asked or made.get((asked[2], asked[1])) != set(asked[3].split(", ")):
        yield "no metric filter makes what it judges"
