"""Answers of Prometheus' API that are not what most are: native histograms, and why a scrape failed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from stackgen.doctor.examine import Asked, examine
from stackgen.doctor.finding import Finding
from tests.contract.scrape import planned

STACK = """\
version: 1
stack: {name: lab}
celery: {app: lab, broker: {kind: redis}}
queues: {celery: }
sources: [{name: celery-exporter, targets: ["exporter:9808"]}, redis]
"""
REFUSED = 'received unsupported Content-Type "" and no fallback_scrape_protocol specified for target'
TARGET = {"job": "celery-exporter", "instance": "relabelled"}


def _result(query: str) -> list[Mapping[str, object]]:
    """What this Prometheus answers: one exporter, called otherwise than its address, with a native histogram."""
    if query == "vector(time())":
        return [{"metric": {}, "value": [1, "1"]}]
    if query == 'up{job="redis-exporter"}':
        return [{"metric": {"__name__": "up", "job": "redis-exporter", "instance": "r:1"}, "value": [1, "0"]}]
    if query.startswith('{__name__=~"celery_task_runtime') or query.startswith('{job="celery-exporter"'):
        return [{"metric": {"__name__": "celery_task_runtime", **TARGET}, "histogram": [1, {"count": "3"}]}]
    return []


class _Prometheus(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        data: object = {"groups": []}
        if url.path.endswith("/query"):
            data = {"resultType": "vector", "result": _result(parse_qs(url.query)["query"][0])}
        if url.path.endswith("/targets"):
            down = {"labels": {"job": "redis-exporter", "instance": "r:1"}, "health": "down", "lastError": REFUSED}
            data = {"activeTargets": [{"labels": TARGET, "health": "up", "lastError": ""}, down]}
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@contextmanager
def _prometheus() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Prometheus)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _found(folder: Path) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    with _prometheus() as url:
        for finding in examine(planned(folder, STACK)[0], Asked(prometheus=url)):
            found.setdefault(finding.rule, []).append(finding)
    return found


def test_native_histograms_are_told_with_the_alerts_that_they_blind(tmp_path: Path) -> None:
    found = _found(tmp_path)["native-histogram"]
    assert [(one.what, one.alerts) for one in found] == [
        (
            "Prometheus keeps celery_task_runtime as a native histogram: there is no celery_task_runtime_bucket, "
            "which the rules read",
            ("CelerySlowTasks",),
        )
    ]


def test_a_scrape_that_is_refused_is_told_as_that(tmp_path: Path) -> None:
    found = _found(tmp_path)["source-down"]
    assert f"the source redis (job redis-exporter) answers no scrape; Prometheus says: {REFUSED}" in [
        one.what for one in found
    ]
    assert "fallback_scrape_protocol" in next(one.fix for one in found if "redis" in one.what)
