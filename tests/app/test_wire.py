"""What messages hold and what nobody reads: the pipe, names, and the endpoint, under attack and with real workers."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain_families

from stackgen.app.parts.counts import MOST_QUEUES, Counts
from stackgen.app.parts.endpoint import MOST_HANDLERS, PROBE_PORT, worker_ports
from stackgen.app.parts.exposition import exposed
from stackgen.app.parts.wire import Wire, wire_attempt, wire_name
from tests.app.cluster import PATIENCE_SECONDS, Worker, fetch, lab_environment, send, total, until, worker
from tests.flower.redis_server import free_port

BOUNDS = (0.1, 1.0, 10.0)


def _strict(text: str) -> list[Any]:
    return list(openmetrics(text))  # type: ignore[no-untyped-call]


def test_names_are_cut_by_their_bytes_and_a_line_always_fits() -> None:
    for name in ("\0" * 5000, "\U0001f600" * 500, "\ud800" * 500, "x" * 5000, "\t\n" * 300):
        assert len(wire_name(name).encode()) <= 250
        wire = Wire(Counts(BOUNDS, BOUNDS))
        wire.begin((wire_attempt(name, "0\tx"), os.getpid()), (name, name), 1.0, time.monotonic())
        wire.end((wire_attempt(name, "0\tx"), os.getpid()), "SUCCESS", 1.0, "")
        wire.drain()
        text = exposed(wire.counts.families(), openmetrics=True).decode()
        assert wire.counts.untold == 0
        assert [s.value for f in _strict(text) for s in f.samples if s.name == "celery_tasks_total"] == [1]


def test_a_line_that_is_none_ends_nothing_and_is_told() -> None:
    wire = Wire(Counts(BOUNDS, BOUNDS))
    for line in ("", "b", "x\t1", "b\tid\tpid\t[]\t\t", "e\ta\t1\tb", "l\tmany", "b\tid#0\t1\t[1]\t\t1", "\x80" * 3000):
        wire.pipe.write(line)
    wire.begin(("id#0", os.getpid()), ("t", "q"), None, time.monotonic())
    wire.end(("id#0", os.getpid()), "SUCCESS", 1.0, "")
    wire.drain()
    assert wire.counts.untold == 8
    assert b'celery_tasks_total{task="t",queue="q",state="SUCCESS"} 1.0\n' in exposed(wire.counts.families())


def test_a_full_pipe_is_waited_for_once_and_what_it_did_not_take_is_told() -> None:
    wire = Wire(Counts(BOUNDS, BOUNDS))
    began = time.monotonic()
    for number in range(40_000):
        wire.begin((f"{number}#0", number), ("t", "q"), None, began)
    took = time.monotonic() - began
    wire.drain()
    wire.end(("39999#0", 39_999), "SUCCESS", 1.0, "")
    wire.drain()
    assert wire.counts.untold > 0
    running = total(_samples(wire.counts), "celery_tasks_running")
    assert running + wire.counts.untold >= 40_000
    assert took < 30, "once a second would be hours"


def _samples(counts: Counts) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = exposed(counts.families()).decode()
    return {(s.name, frozenset(s.labels.items())): s.value for f in plain_families(text) for s in f.samples}


def test_queues_beyond_the_cap_share_a_label_and_known_ones_never_do() -> None:
    counts = Counts(BOUNDS, BOUNDS)
    counts.know(["celery", "late"])
    for number in range(3000):
        counts.lose(str(number), ("t", f"key.{number}"), "REVOKED", "")
    counts.lose("x", ("t", "late"), "REVOKED", "")
    found = {dict(labels)["queue"]: value for (_, labels), value in _samples(counts).items()}
    assert len(found) == MOST_QUEUES + 2
    assert (found["late"], found["other"]) == (1, 3000 - MOST_QUEUES)


def test_ports_after_the_own_are_those_that_are_scraped_and_never_the_probes() -> None:
    assert list(worker_ports(0, [9809])) == [0]
    found = list(worker_ports(PROBE_PORT - 1, [9809, 9900]))
    assert (found[:3], PROBE_PORT in found) == ([9809, 9900, 9811], False)


# An id or a task's name that is a mapping ends Celery's own consumer.
HOSTILE = """
from kombu import Exchange
import json
body = json.dumps([[], {}, {}])
def put(headers, key="celery"):
    with app.connection() as connection:
        connection.Producer().publish(body, headers=headers, routing_key=key, content_type="application/json",
                                      content_encoding="utf-8", serializer=None)
put({"task": "lab.ok", "id": "a", "retries": "0\\tx"})
put({"task": "lab.ok", "id": "b\\t1\\nlab.fail\\te", "retries": 0})
put({"task": "lab.ok", "id": "\\U0001f600" * 500, "retries": 0})
put({"task": "lab.ok", "id": "c", "retries": {"a": 1}, "celery_monitoring_sent": {"a": 1}})
put({"task": "lab.ok", "id": "d", "retries": [1], "celery_monitoring_sent": "never", "eta": None})
for n in range(10): ok.delay()
"""


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_hostile_messages_forge_nothing_and_end_nothing(broker: str, tmp_path: Path, pool: str) -> None:
    with worker(broker, tmp_path, "-c", "2", "-P", pool) as one:
        send(broker, tmp_path, HOSTILE)
        until(lambda: one.outcomes().get(("ok", "SUCCESS"), 0) >= 10, lambda: one.log.read_text()[-3000:])
        assert {task for task, _ in one.outcomes()} == {"ok"}
        assert total(one.samples(), "celery_worker_counts_lost_total") == 0
        send(broker, tmp_path, "for n in range(5): fail.delay()")
        until(lambda: one.outcomes().get(("fail", "FAILURE")) == 5)


@pytest.mark.slow
@pytest.mark.parametrize("where", [{"CELERY_METRICS_PORT": "nine"}, {"CELERY_METRICS_PORT": "70000"}])
def test_without_an_endpoint_tasks_go_on_and_it_is_said(broker: str, tmp_path: Path, where: dict[str, str]) -> None:
    command = [sys.executable, "-m", "celery", "-A", "lab_tasks", "worker", "-c", "1", "-n", "w1@lab", "-l", "warning"]
    environment, log = lab_environment(broker, tmp_path, **where), tmp_path / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=out, stderr=out) as program,
    ):
        try:
            send(broker, tmp_path, "for n in range(7000): ok.delay()")
            until((tmp_path / "w1@lab.heartbeat").exists)
            until(lambda: _waiting(broker) == 0, lambda: (_waiting(broker), log.read_text()))
        finally:
            program.terminate()
            program.wait(PATIENCE_SECONDS)
    assert "No metrics endpoint, nobody sees what w1@lab counts" in log.read_text()


def _waiting(broker: str) -> int:
    from redis import Redis

    with Redis.from_url(broker) as client:
        return int(client.llen("celery"))


@pytest.mark.slow
def test_slow_connections_hold_nothing_and_scrapes_go_on(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "1") as one, ExitStack() as stack:
        for _ in range(300):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", one.port), 5))
            client.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
        send(broker, tmp_path, "for n in range(50): ok.delay()")
        until(lambda: one.outcomes() == {("ok", "SUCCESS"): 50})
        files = len(list(Path(f"/proc/{one.process.pid}/fd").iterdir()))
        assert files < 60 + MOST_HANDLERS
        assert one.process.poll() is None


@pytest.mark.slow
def test_the_endpoint_answers_as_prometheus_and_its_clients_ask(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "1") as one:
        send(broker, tmp_path, "for n in range(3): ok.delay(); fail.delay()")
        until(lambda: sum(one.outcomes().values()) == 6)
        url = f"http://127.0.0.1:{one.port}/metrics"
        names = {family.name for family in plain_families(fetch(url)[1])}
        accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
        assert {family.name for family in _strict(fetch(url, accept)[1])} == names
        for asked, zipped in (("gzip", True), ("deflate, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False)):
            request = urllib.request.Request(url, headers={"Accept-Encoding": asked})
            with urllib.request.urlopen(request, timeout=10) as answer:
                body = answer.read()
                assert (answer.headers["Content-Encoding"] == "gzip") is zipped
                assert b"celery_tasks_total{" in (gzip.decompress(body) if zipped else body)
        head, body = _raw(one, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (re.search(rb"Content-Length: [1-9]\d+", head) is not None, body) == (True, b"")
        assert _raw(one, f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())[0].startswith(b"HTTP/1.0 200 ")
        assert _raw(one, b"GET http://[ HTTP/1.1\r\n\r\n")[0].startswith(b"HTTP/1.0 404 ")


def _raw(one: Worker, request: bytes) -> tuple[bytes, bytes]:
    with socket.create_connection(("127.0.0.1", one.port), 10) as client:
        client.sendall(request)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_goes_on_counting_where_the_worker_ended(broker: str, tmp_path: Path, end: signal.Signals) -> None:
    port, counts = free_port(), tmp_path / "w1@lab.heartbeat.counts"

    def kept() -> int:
        return sum(int(row[-1]) for row in json.loads(counts.read_text())["counts"]["ended"])

    for turn in (1, 2, 3):
        with worker(broker, tmp_path, "-c", "2", CELERY_METRICS_PORT=str(port)) as one:
            send(broker, tmp_path, "for n in range(20): ok.delay()")
            until(lambda turn=turn: one.outcomes() == {("ok", "SUCCESS"): 20 * turn}, one.outcomes)  # type: ignore[misc]
            if end == signal.SIGKILL:
                # What is not written yet is lost with a worker that is killed.
                until(lambda turn=turn: kept() == 20 * turn)  # type: ignore[misc]
                one.kill()
            else:
                one.process.send_signal(end)
                one.process.wait(PATIENCE_SECONDS)


@pytest.mark.slow
def test_a_second_worker_of_the_same_name_does_not_count_what_the_first_did(broker: str, tmp_path: Path) -> None:
    with worker(broker, tmp_path, "-c", "1") as one:
        send(broker, tmp_path, "for n in range(5): ok.delay()")
        until(lambda: one.outcomes() == {("ok", "SUCCESS"): 5})
        until((tmp_path / "w1@lab.heartbeat.counts").exists)
        with worker(broker, tmp_path, "-c", "1", CELERY_METRICS_PORT=str(free_port())) as two:
            assert two.outcomes() == {}
            assert "has the same name" in two.log.read_text()
