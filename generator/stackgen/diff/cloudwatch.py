"""logs/cloudwatch/: the log group with its retention, metric filters and alarms by name, what the agent reads."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.catalog import promql
from stackgen.diff.fact import Fact, Key, Kind
from stackgen.diff.read import documents, facts_of, items, mapping, said

Found = Iterator[tuple[Key, Fact]]
_GROUP = "AWS::Logs::LogGroup"
_NAMES = {_GROUP: ("log group", "LogGroupName"), "AWS::Logs::MetricFilter": ("metric filter", "FilterName")}
_NAMES["AWS::CloudWatch::Alarm"] = ("CloudWatch alarm", "AlarmName")
_JUDGED = ("AlarmDescription", "EvaluationPeriods", "Metrics", "Period", "Threshold")
_KINDS: dict[str, Kind] = {"text": "text", "query": "expression"}
_DAYS = {"retention_in_days", "RetentionInDays"}


def read(path: str, text: str) -> Found:
    """Either file; both say how long the log group keeps its lines, which is told once."""
    for document in map(mapping, documents(path, text)):
        if "Resources" in document:
            yield from _resources(document, path)
        else:
            yield from _agent(document, path)


def _agent(document: dict[str, object], path: str) -> Found:
    collected = mapping(mapping(mapping(document.get("logs")).get("logs_collected")).get("files"))
    for file in map(mapping, items(collected.get("collect_list"))):
        group = f"log group {said(file.get('log_group_name'))}"
        yield from _retention(group, file, path)
        subject = f"CloudWatch agent on {said(file.get('file_path'))}"
        yield Key(subject, "", ""), Fact(value=group, files=(path,), kind="presence")
        yield from facts_of({k: v for k, v in file.items() if k not in _DAYS}, subject, path).items()
    yield from facts_of(mapping(document.get("agent")), "CloudWatch agent", path).items()


def _resources(document: dict[str, object], path: str) -> Found:
    for logical, one in mapping(document["Resources"]).items():
        properties = mapping(mapping(one).get("Properties"))
        kind, key = _NAMES.get(said(mapping(one).get("Type")), ("resource", ""))
        subject = f"{kind} {said(properties.get(key, logical))}"
        yield Key(subject, "", ""), Fact(value="", files=(path,), kind="presence")
        yield from _retention(subject, properties, path)
        told = dict(_judged(properties)) if kind == "CloudWatch alarm" else {}
        for aspect, value in told.items():
            yield Key(subject, "", aspect), Fact(value=value, files=(path,), kind=_KINDS.get(aspect, "value"))
        rest = {k: v for k, v in properties.items() if k not in (key, *_DAYS, *(_JUDGED if told else ()))}
        yield from facts_of(rest, subject, path).items()


def _judged(alarm: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Threshold, window and words of an alarm; where lines are missed, the window is the threshold."""
    (query,) = [mapping(one) for one in items(alarm.get("Metrics"))[:1]] or [alarm]
    period, periods = query.get("Period"), alarm.get("EvaluationPeriods")
    window = promql.seconds(period * periods) if isinstance(period, int) and isinstance(periods, int) else "unknown"
    if query is alarm:
        yield "threshold", window
    else:
        yield "threshold", said(alarm.get("Threshold"))
        yield "window", window
        yield "query", said(query.get("Expression"))
    yield "text", said(alarm.get("AlarmDescription"))


def _retention(subject: str, data: dict[str, object], path: str) -> Found:
    for days in (data[key] for key in _DAYS if key in data):
        yield Key(subject, "", "retention"), Fact(value=f"{said(days)} days", files=(path,))
