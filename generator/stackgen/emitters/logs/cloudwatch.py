"""logs/cloudwatch/: the CloudWatch agent from the workers' log files into one log group, and the alarms on it.

How the agent follows files (plugins/inputs/logfile of its source, read at 1.300071, not seen to run): it knows a file
by its name, looks every 250 ms, reads a renamed file to its end and the new one from its beginning. With
`publish_multi_logs` each file has a stream of its own; without it only the newest would be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from stackgen.artefact import Artefact
from stackgen.catalog.identity import joined
from stackgen.catalog.logs import insights
from stackgen.catalog.series import limit
from stackgen.resolve import cloudwatch, words
from stackgen.resolve.cloudwatch import Alarm
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import Logs

AGENT = "logs/cloudwatch/amazon-cloudwatch-agent.json"
TEMPLATE = "logs/cloudwatch/cloudformation.yaml"
TIMESTAMP = "%Y-%m-%dT%H:%M:%S.%f"
"""`@timestamp` as the agent finds it, first in the line; `%f` is any number of digits, and the zone is said apart."""
ROTATED = r"\.log[.-]|[.-]20[0-9]{6}|\.[0-9]{1,3}$"
"""Names that rotation gives: read under another name, a file would be sent a second time."""
STREAM = "{local_hostname}"
LONGEST_STACK_NAME = 128
_ANY = {"value": "too many", "task": "one task", "worker": "one worker"}


def artefacts(plan: Plan, logs: Logs) -> list[Artefact]:
    """The agent's configuration, and the template of what it needs in the account."""
    return [_agent(plan, logs), _template(plan, logs)]


def log_group(plan: Plan) -> str:
    """The log group, by stack.yaml or by the stack's own name."""
    own = plan.spec.stack
    return (plan.spec.logs and plan.spec.logs.cloudwatch.log_group) or f"celery/{own.name}/{own.environment}"


def _agent(plan: Plan, logs: Logs) -> Artefact:
    return Artefact(
        path=AGENT,
        template="logs/amazon-cloudwatch-agent.json.j2",
        syntax="json",
        context={
            "region": logs.cloudwatch.region,
            "path": logs.path,
            "rotated": ROTATED,
            "group": log_group(plan),
            "stream": STREAM,
            "days": logs.cloudwatch.retention_days,
            "timestamp": TIMESTAMP,
        },
    )


def _template(plan: Plan, logs: Logs) -> Artefact:
    own, region = plan.spec.stack, logs.cloudwatch.region
    namespace = logs.cloudwatch.namespace or f"Celery/{own.name}/{own.environment}"
    every, topic = cloudwatch.alarms(plan), logs.cloudwatch.alarm_topic
    itself = joined("celery", own.name, own.environment, "logs", longest=LONGEST_STACK_NAME)
    deploy = f"aws cloudformation deploy --stack-name {itself}"
    return Artefact(
        path=TEMPLATE,
        template="logs/cloudformation.yaml.j2",
        syntax="yaml",
        context={
            "deploy": f"{deploy} --template-file cloudformation.yaml" + (f" --region {region}" if region else ""),
            "about": f"Logs of the Celery workers of {own.name} in {own.environment}, and alarms on them.",
            "group": log_group(plan),
            "days": logs.cloudwatch.retention_days,
            "filters": list(_filters(every, namespace)),
            "alarms": [_alarm(one, plan, namespace) for one in every],
            "actions": [(key, [topic]) for key in ("AlarmActions", "OKActions")] if topic else [],
        },
    )


def _filters(alarms: list[Alarm], namespace: str) -> Iterator[Mapping[str, object]]:
    """One for each signal that counts lines; silence is judged by a metric that CloudWatch has itself."""
    for signal in {one.alert.signal.id: one.alert.signal for one in alarms if one.window}.values():
        assert signal.log_count
        lines = signal.log_count.filter
        fields = zip(signal.by, lines.by, strict=True)
        yield {
            "id": f"{_name(signal.id)}Filter",
            "name": signal.id,
            "pattern": insights.pattern(lines),
            "namespace": namespace,
            "dimensions": [{"Key": key, "Value": insights.selector(field)} for key, field in fields],
        }


def _alarm(one: Alarm, plan: Plan, namespace: str) -> Mapping[str, object]:
    own, signal = plan.spec.stack, one.alert.signal
    query = insights.total(signal.id, namespace, signal.by) if one.window else None
    return {
        "id": f"{_name(signal.id)}{one.alert.severity.capitalize()}Alarm",
        "name": f"{joined(own.name, own.environment)}-{signal.alert}-{one.alert.severity}",
        "text": _text(one, plan),
        "query": query,
        "threshold": _number(one.alert.threshold or Fraction(0)),
        "period": one.period,
        "periods": one.periods,
    }


def _text(one: Alarm, plan: Plan) -> str:
    """The alert's own words; CloudWatch names the task or worker itself, as a contributor to the alarm."""
    threshold, signal = one.alert.threshold, one.alert.signal
    said = {**_ANY, "limit": limit(threshold, signal.unit) if threshold is not None else ""}
    summary = words.FIELD.sub(
        lambda match: said[match[1]] + (f" {words.plural(match[2])}" if match[2] else ""), signal.summary
    )
    link = f"{plan.spec.links.runbooks.rstrip('/')}/{signal.alert}.md"
    return f"{summary[:1].upper()}{summary[1:]}. {signal.action} {link}"


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _name(signal_id: str) -> str:
    return "".join(part.capitalize() for part in signal_id.split("_"))
