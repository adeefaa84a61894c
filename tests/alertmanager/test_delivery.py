"""A real Alertmanager tells exactly the receivers that stack.yaml names."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.alertmanager.server import Labels, listening, running, wait
from tests.alertmanager.stacks import HEAD, plan_of, write

pytestmark = [pytest.mark.promtool, pytest.mark.slow]

ALERTING = """\
alerting:
  receivers:
    oncall: {{webhook: {{url_file: {secret}}}}}
    chat: {{webhook: {{url: "{chat}"}}}}
    pay: {{webhook: {{url: "{pay}"}}}}
    deadman: {{webhook: {{url: "{deadman}"}}}}
  default: {{critical: oncall, warning: chat}}
  owners: {{payments: {{warning: pay}}}}
  queues: {{bulk: {{critical: pay}}}}
  watchdog: deadman
  timing: {{info: {{group_wait: 0s}}, warning: {{group_wait: 0s}}, critical: {{group_wait: 0s}}}}
  mute: [{{name: always, weekdays: [{days}], owners: [data]}}]
"""
DAYS = "monday, tuesday, wednesday, thursday, friday, saturday, sunday"


def _alert(alert: str, signal: str, severity: str, owner: str, **about: str) -> Labels:
    return {
        **{"alertname": alert, "signal": signal, "severity": severity, "owner": owner},
        **{"stack": "shop", "environment": "production", **about},
    }


FIRED = [
    _alert("CeleryQueueBacklog", "queue_length", "critical", "platform", queue="celery"),
    _alert("CeleryQueueBacklog", "queue_length", "warning", "platform", queue="celery"),  # muted by the critical one
    _alert("CeleryQueueGrowing", "queue_growth", "warning", "platform", queue="celery"),
    _alert("CeleryQueueBacklog", "queue_length", "critical", "data", queue="bulk"),
    _alert("CeleryQueueGrowing", "queue_growth", "warning", "data", queue="bulk"),  # in the time `always`
    _alert("CelerySlowTasks", "task_duration_p95", "warning", "payments", task="shop.pay"),
    _alert("CeleryHighFailureRate", "task_failure_ratio", "critical", "payments", task="shop.pay"),
    _alert("CeleryWorkerRestarted", "worker_uptime", "info", "platform", worker="w1"),  # nobody
    _alert("CeleryWatchdog", "watchdog", "info", "platform"),
    {"alertname": "ByHand", "severity": "odd", "owner": "x"},  # nobody's severity: told like a warning
]
EXPECTED = {
    ("oncall", "CeleryQueueBacklog", "critical", "platform"),
    ("chat", "CeleryQueueGrowing", "warning", "platform"),
    ("pay", "CeleryQueueBacklog", "critical", "data"),
    ("pay", "CelerySlowTasks", "warning", "payments"),
    ("oncall", "CeleryHighFailureRate", "critical", "payments"),
    ("deadman", "CeleryWatchdog", "info", "platform"),
    ("chat", "ByHand", "odd", "x"),
}


def test_each_alert_reaches_its_receiver_and_no_other(newest: Path, tmp_path: Path) -> None:
    secret = tmp_path / "oncall_url"
    with listening() as listener:
        secret.write_text(listener.url("oncall") + "\n")  # as an editor leaves it
        urls = {name: listener.url(name) for name in ("chat", "pay", "deadman")}
        text = HEAD + ALERTING.format(secret=secret, days=DAYS, **urls)
        config = write(plan_of(text, tmp_path), tmp_path)
        assert listener.url("oncall") not in config.read_text()
        # The first message waits for group_wait: of the root route for `ByHand`, which must not slow the test.
        config.write_text(config.read_text().replace("group_wait: 30s", "group_wait: 0s"))
        with running(newest, config, tmp_path) as alertmanager:
            alertmanager.fire(FIRED[:1])  # rules learn of a cause before its effects are told
            wait(lambda: len(listener.told()) == 1, "the first message")
            alertmanager.fire(FIRED[1:])
            wait(lambda: listener.told() >= EXPECTED, "all messages")
            time.sleep(1)
        assert listener.told() == EXPECTED
