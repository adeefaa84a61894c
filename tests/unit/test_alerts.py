"""The record of an alert says everything that is true of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.resolve.plan import Alert

STACK = """\
version: 1
stack: {name: shop, owner: platform}
celery:
  app: shop
  broker: {kind: redis}
queues:
  celery:
  mail: {owner: mailers, min_workers: 2}
  priority: {thresholds: {queue_length: {critical: 8000}}}
thresholds:
  queue_length: {for: 20m, warning: 2000}
  task_failure_ratio: {min_failures: 8, critical: {keep_firing_for: 5m}}
sources: [celery-exporter, redis]
alerting:
  receivers:
    pager: {webhook: {url_file: /run/secrets/pager}}
    chat: {webhook: {url_file: /run/secrets/chat}}
    switch: {webhook: {url_file: /run/secrets/switch}}
  default: {critical: pager, warning: chat}
  owners: {mailers: {critical: chat}}
  queues: {priority: {warning: pager}}
  watchdog: switch
"""


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Alert]:
    stack: Path = tmp_path_factory.mktemp("stack") / "stack.yaml"
    stack.write_text(STACK)
    return {(one.signal.id, one.severity): one for one in pipeline.prepare(stack).plan.alerts}


Alerts = dict[tuple[str, str], Alert]


def test_numbers_are_the_defaults_and_what_stack_yaml_says(alerts: Alerts) -> None:
    mild, severe = alerts["queue_length", "warning"], alerts["queue_length", "critical"]
    assert (mild.threshold, mild.hold) == (Fraction(2000), Fraction(1200))
    assert (severe.threshold, severe.hold, severe.overrides) == (
        Fraction(5000),
        Fraction(1200),
        {"priority": Fraction(8000)},
    )


@pytest.mark.parametrize(
    ("signal", "severity", "number", "origin"),
    [
        ("queue_length", "warning", "threshold", "thresholds.queue_length.warning.threshold"),
        ("queue_length", "warning", "for", "thresholds.queue_length.for"),
        ("queue_length", "critical", "threshold", 'guide, "Critical Alerts"'),
        ("queue_growth", "warning", "for", "ours"),
        ("task_failure_ratio", "critical", "keep_firing_for", "thresholds.task_failure_ratio.critical.keep_firing_for"),
        ("task_failure_ratio", "critical", "min_failures", "thresholds.task_failure_ratio.min_failures"),
    ],
)
def test_each_number_says_where_it_comes_from(
    alerts: Alerts, signal: str, severity: str, number: str, origin: str
) -> None:
    assert alerts[signal, severity].origins[number] == origin


@pytest.mark.parametrize(
    ("signal", "severity", "words"),
    [
        ("queue_length", "critical", "above 5000 for 20m"),
        ("task_failure_ratio", "critical", "above 20% for 5m"),
        ("queue_workers", "warning", "below its own limit for 10m"),
        ("watchdog", "info", "always"),
    ],
)
def test_the_condition_in_words(alerts: Alerts, signal: str, severity: str, words: str) -> None:
    assert alerts[signal, severity].words == words


def test_the_receiver_is_the_default_owners(alerts: Alerts) -> None:
    assert alerts["queue_length", "critical"].receiver == "pager"
    assert alerts["watchdog", "info"].receiver == "switch"


def test_what_silences_an_alert(alerts: Alerts) -> None:
    mild = alerts["queue_length", "warning"].silencers
    assert [(s.alert, s.severity, s.of) for s in mild] == [
        ("CeleryQueueBacklog", "critical", ()),
        ("CeleryBrokerDown", None, ()),
        ("CeleryNoWorkersRunning", None, ()),
    ]
    assert alerts["queue_stuck", "warning"].silencers[-1].of == ("celery-exporter",)
    assert "critical" not in [s.severity for s in alerts["queue_length", "critical"].silencers]
    assert alerts["task_success_ratio", "warning"].silencers[0].expr.startswith("ALERTS{")
    assert alerts["broker_down", "critical"].silencers == ()
