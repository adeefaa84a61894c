"""What changes in who is told, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen.diff.compare import compare
from stackgen.diff.words import render
from tests.alertmanager.stacks import CONFIG, HEAD, plan_of, write

ALERTING = """\
alerting:
  receivers:
    oncall: {pagerduty: {routing_key_file: /run/secrets/key}}
    chat: {slack: {api_url_file: /run/secrets/slack, channel: "#celery"}}
  default: {critical: oncall, warning: chat}
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("critical: oncall", "critical: chat", "route of critical alerts receiver oncall → chat"),
        ('"#celery"', '"#other"', "receiver chat slack.channel #celery → #other"),
        ("  default", "    hook: {webhook: {url: 'http://hook'}}\n  default", "receiver hook: new (webhook)"),
        (
            "  default",
            "  queues: {bulk: {critical: chat}}\n  default",
            "route of queue bulk: new (critical alerts: chat, warning alerts: chat, info alerts: nobody)",
        ),
        ("  default", "  watchdog: chat\n  default", "route of CeleryWatchdog receiver nobody → chat"),
        (
            "  default",
            "  timing: {critical: {repeat_interval: 2h}}\n  default",
            "route of critical alerts repeat_interval 1h → 2h",
        ),
    ],
)
def test_a_change_of_who_is_told_is_told_in_words(before: str, after: str, said: str, tmp_path: Path) -> None:
    texts = []
    for text in (ALERTING, ALERTING.replace(before, after)):
        texts.append({CONFIG: write(plan_of(HEAD + text, tmp_path), tmp_path).read_text()})
    assert render(compare(*texts), "text") == f"{said}\n"
