"""What a real Alertmanager sends to Slack, Teams and PagerDuty: cut and escaped, whatever workers are called."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.alertmanager.server import LOOPBACK, Alertmanager, running, wait
from tests.alertmanager.stacks import HEAD, plan_of, write

pytestmark = [pytest.mark.promtool, pytest.mark.slow]

EVIL = "<!channel> <https://evil.example|Runbook> [Runbook](https://evil.example) a: {{ nope }} & co"
ALERTING = """\
alerting:
  receivers:
    all:
      slack: {{api_url_file: {folder}/slack, channel: "#celery"}}
      msteamsv2: {{webhook_url_file: {folder}/teams}}
      pagerduty: {{routing_key_file: {folder}/key}}
  default: all
  timing: {{critical: {{group_wait: 2s}}}}
"""


@contextmanager
def _services() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server that stands for all three, and the last body that each was sent."""
    bodies: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies[self.path] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202 if self.path.startswith("/v2") else 200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _fire(alertmanager: Alertmanager, count: int) -> None:
    labels = {"alertname": "CeleryHighCPU", "signal": "worker_cpu", "severity": "critical", "stack": "shop"}
    said = {"summary": EVIL, "description": EVIL, "runbook_url": "https://r/x?a=1&b=2", "dashboard_url": "https://g/d"}
    alerts = [{"labels": {**labels, "worker": f"w{n} {{{{ x }}}}"}, "annotations": said} for n in range(count)]
    alertmanager._call("alerts", json.dumps(alerts).encode())


@pytest.fixture(scope="module")
def sent(newest: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What 41 alerts with hostile texts became."""
    folder = tmp_path_factory.mktemp("messages")
    with _services() as (url, bodies):
        (folder / "key").write_text("k" * 32)
        for name in ("slack", "teams"):
            (folder / name).write_text(f"{url}/{name}")
        config = write(plan_of(HEAD + ALERTING.format(folder=folder), folder), folder)
        config.write_text(f"global: {{pagerduty_url: {url}/v2}}\n{config.read_text()}")
        with running(newest, config, folder) as alertmanager:
            _fire(alertmanager, 41)
            wait(lambda: {"/slack", "/teams", "/v2"} <= bodies.keys(), "a message to each")
    return bodies


def test_messages_are_cut_and_say_how_many_more(sent: dict[str, Any]) -> None:
    texts = (sent["/slack"]["attachments"][0]["text"], json.dumps(sent["/teams"], ensure_ascii=False))
    assert ["… and 31 more" in text for text in texts] == [True, True]
    assert ["evil.example|Runbook" in text for text in texts] == [True, True]
    assert texts[0].count("Runbook: https://r/x") == 10


def test_slack_is_told_text_and_no_markup_of_others(sent: dict[str, Any]) -> None:
    text = sent["/slack"]["attachments"][0]["text"]
    assert "<" not in text
    assert "&lt;!channel&gt; &lt;https://evil.example|Runbook&gt;" in text
    assert "{{ nope }} &amp; co" in text


def test_teams_is_told_no_link_of_others(sent: dict[str, Any]) -> None:
    assert "](https://evil" not in json.dumps(sent["/teams"])


def test_a_worker_with_braces_in_its_name_still_pages(sent: dict[str, Any]) -> None:
    details = sent["/v2"]["payload"]["custom_details"]
    assert "{ {  nope }}" in json.dumps(details["firing"])
    assert details["runbook"] == "https://r/x?a=1&b=2"
