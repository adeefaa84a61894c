"""The signals of the logs as CloudWatch's alarms can say them: in whole minutes and whole windows.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html (periods) and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html (queries of Metrics Insights).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from stackgen.catalog import promql
from stackgen.document import Document, Trail, where
from stackgen.problem import Problem
from stackgen.resolve.plan import Alert, Plan

MINUTE = 60
DAY = 86_400
"""The most an alarm looks back with periods below an hour."""
QUERY = 3 * 3600
"""The most an alarm looks back when it judges a query of Metrics Insights."""


@dataclass(frozen=True)
class Alarm:
    """One alert: its threshold is crossed in each of `periods` windows of `period` seconds."""

    alert: Alert
    window: int | None
    """Seconds in which lines are counted; None for silence."""
    period: int

    @property
    def wanted(self) -> Fraction:
        """How long stack.yaml lets it last, in seconds: silence all of it, a count after its first window."""
        return self.alert.hold + ((self.alert.threshold or 0) if self.window is None else self.window)

    @property
    def periods(self) -> int:
        """As many periods as are needed for that."""
        return ceil(self.wanted / self.period)

    @property
    def lasting(self) -> int:
        """How long CloudWatch lets it last, in seconds."""
        return self.period * self.periods


def alarms(plan: Plan) -> list[Alarm]:
    """Every alarm of the stack; none without the CloudWatch agent."""
    logs = plan.spec.logs
    if logs is None or "cloudwatch" not in logs.shippers:
        return []
    return [_alarm(alert) for signal in plan.log_signals for alert in plan.of(signal)]


def _alarm(alert: Alert) -> Alarm:
    window = alert.signal.log_count.window if alert.signal.log_count else None
    return Alarm(alert, window, window or MINUTE)


def problems(plan: Plan, document: Document) -> Iterator[Problem]:
    """Numbers of stack.yaml that no alarm of CloudWatch can have."""
    for alarm in alarms(plan):
        most = QUERY if alarm.alert.signal.by else DAY
        if alarm.lasting > most:
            path = _written(alarm, document, "for", "threshold")
            message = f"an alarm of CloudWatch looks back {promql.seconds(most)} at most, not {_long(alarm.lasting)}"
            free = most - (alarm.window or (0 if path[-1] == "for" else alarm.alert.hold))
            hint = f"at most {_long(free)}, or leave cloudwatch out of logs.shippers"
            yield Problem(document.mark(path), "cloudwatch-period", where(path), message, hint)


def notices(plan: Plan, document: Document) -> list[Problem]:
    """Where CloudWatch judges a little differently than stack.yaml says, and alarms that nobody is told of."""
    every = alarms(plan)
    found = [
        _notice(document, _written(alarm, document, key), "cloudwatch-rounds", f"CloudWatch {said}")
        for alarm in every
        for key, said in _differences(alarm)
    ]
    logs = plan.spec.logs
    if every and logs and logs.cloudwatch.alarm_topic is None:
        message = "CloudWatch tells nobody of its alarms"
        path = ("logs", "cloudwatch", "alarm_topic")
        found.append(_notice(document, path, "nobody-told", message, "name an SNS topic, or look at them there"))
    return found


def _differences(alarm: Alarm) -> Iterator[tuple[str, str]]:
    if alarm.wanted != alarm.lasting:
        rest = alarm.window or 0
        key = "for" if rest or alarm.alert.hold else "threshold"
        yield key, f"rounds {_long(alarm.wanted - rest)} up to {_long(alarm.lasting - rest)}"
    if alarm.alert.keep_firing_for:
        yield "keep_firing_for", "has no keep_firing_for: its alarm ends with its cause"


def _notice(document: Document, path: Trail, rule: str, message: str, hint: str = "") -> Problem:
    mark = document.key_mark(document.walk(path)[0])
    return Problem(mark, rule, where(path), message, hint, "notice")


def _written(alarm: Alarm, document: Document, *keys: str) -> Trail:
    """Where stack.yaml says one of the numbers: for this severity, for the signal, or the signal itself."""
    top: Trail = ("thresholds", alarm.alert.signal.id)
    paths = [path for key in keys for path in ((*top, alarm.alert.severity, key), (*top, key))]
    found = (path for path in paths if document.walk(path)[0] == path)
    return next(found, document.walk((*top, alarm.alert.severity))[0])


def _long(seconds: Fraction | int) -> str:
    return promql.seconds(seconds)
