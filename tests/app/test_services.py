"""Sentry, OpenTelemetry and New Relic with real workers, against stand-ins that speak their protocols."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackgen.app.parts.sentry import SentryReports
from tests.app.collector import Collector, collector, spans_by_grpc
from tests.app.workers import celery, lines, send, wait_until, worker, write_module, write_project
from tests.flower.redis_server import redis_server

pytestmark = pytest.mark.slow

SECRET = b"canary-hunter2"
SENTRY = "{sentry: {enabled: true, traces_sample_rate: 100%}}"
# Beat's own scheduler keeps a file; this one finds each entry due at once.
LAST_RUN_LONG_AGO = """
from datetime import datetime, timezone
import celery.beat

class Scheduler(celery.beat.PersistentScheduler):
    def setup_schedule(self):
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at = datetime(2020, 1, 1, tzinfo=timezone.utc)
"""
GUIDE_NEW_RELIC = """
import newrelic.agent
from celery import Celery
app = newrelic.agent.wrap_background_task(Celery('muejam'))
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture(scope="module")
def reported(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    folder = tmp_path_factory.mktemp("sentry")
    write_module(folder, SENTRY)
    write_project(folder)
    with collector() as sink:
        send(folder, broker, limits=True)
        with worker(folder, broker, SENTRY_DSN=f"http://key@127.0.0.1:{sink.port}/1"):
            sink.wait(lambda: b"TimeLimitExceeded" in b"".join(sink.bodies("/api/1/envelope/")))
            wait_until(folder / "out.txt", "strange failed", "missing unknown", "decode")
        yield sink


def _types(sink: Collector) -> set[str]:
    events = sink.events("event")
    return {one["type"] for event in events for one in event.get("exception", {}).get("values", [])}


def test_sentry_gets_the_failures_of_tasks(reported: Collector) -> None:
    assert _types(reported) >= {"ValueError", "ConnectionError", "TimeLimitExceeded"}


def test_one_failure_is_one_event_and_what_only_the_main_process_knows_groups_by_task(reported: Collector) -> None:
    events = reported.events("event")
    raised = [event for event in events if "exception" in event]
    told = [(event["exception"]["values"][-1]["type"], event.get("fingerprint")) for event in raised]
    assert sorted(told, key=str) == [
        ("ConnectionError", None),
        ("EncodeError", ["EncodeError", "proj.strange"]),
        ("InvalidMessage", ["InvalidMessage", ""]),
        ("NotRegistered", ["NotRegistered", "missing"]),
        ("TimeLimitExceeded", ["TimeLimitExceeded", "proj.endless"]),
        ("ValueError", None),
    ]
    others = {event["logentry"]["message"].partition(":")[0] for event in events if "exception" not in event}
    assert others == {"Can't decode message body"}


@pytest.mark.parametrize(("name", "kept"), [("multiprocessing", False), ("proj", True)])
def test_that_a_pool_process_ended_is_no_second_event_of_its_task(name: str, kept: bool) -> None:
    text = "Process %r pid:%r exited with %r"
    record = logging.LogRecord(name, logging.ERROR, "", 1, text, ("ForkPoolWorker-2", 7, "signal 15 (SIGTERM)"), None)
    event = SentryReports(None).before_send({"level": "error"}, {"log_record": record})
    assert (event is not None) == kept


def test_sentry_gets_traces_at_the_rate_of_stack_yaml(reported: Collector) -> None:
    names = {event["transaction"] for event in reported.events("transaction")}
    assert names >= {"proj.good", "proj.bad"}


def test_sentry_is_told_the_environment(reported: Collector) -> None:
    assert {event["environment"] for event in reported.events("event")} == {"production"}


def test_sentry_gets_no_argument_result_or_local_variable(reported: Collector) -> None:
    assert reported.events("event")
    assert SECRET not in b"".join(reported.bodies("/api/1/envelope/"))


def test_a_message_nobody_can_read_is_still_reported(reported: Collector) -> None:
    told = {event.get("logentry", {}).get("message") for event in reported.events("event")}
    assert {"Can't decode message body: %r [type:%r encoding:%r headers:%s]"} <= told


@pytest.mark.parametrize(("dsn", "said"), [("", ""), ("your-sentry-dsn", "Sentry is off: SENTRY_DSN holds no DSN")])
def test_without_a_usable_dsn_the_worker_starts(broker: str, tmp_path: Path, dsn: str, said: str) -> None:
    write_module(tmp_path, SENTRY)
    write_project(tmp_path)
    with worker(tmp_path, broker.replace("/0", "/1"), "-P", "solo", SENTRY_DSN=dsn):
        text = wait_until(tmp_path / "out.txt", "ready")
    problems = [line["message"] for line in lines(text) if line["log"].get("logger") == "celery_monitoring"]
    assert [problem.startswith(said) for problem in problems] == [True] * bool(said)
    assert not dsn or dsn not in text


def test_each_entry_of_beat_is_a_monitor_where_stack_yaml_wants_it(broker: str, tmp_path: Path) -> None:
    write_module(tmp_path, "{sentry: {enabled: true, monitor_beat: true}}")
    entry = '{"nightly": {"task": "proj.good", "schedule": 60.0, "args": (SECRET,)}}'
    write_project(tmp_path, more=f"app.conf.beat_schedule = {entry}\n{LAST_RUN_LONG_AGO}")
    broker = broker.replace("/0", "/4")
    with collector() as sink:
        dsn = f"http://key@127.0.0.1:{sink.port}/1"
        with celery(tmp_path, broker, "beat", "-S", "proj:Scheduler", SENTRY_DSN=dsn):
            sink.wait(lambda: sink.events("check_in"))
    assert {event["monitor_slug"] for event in sink.events("check_in")} == {"nightly"}
    assert SECRET not in b"".join(sink.bodies("/api/1/envelope/"))


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_lines_of_a_traced_task_carry_the_ids_that_the_collector_gets(broker: str, tmp_path: Path, pool: str) -> None:
    write_module(tmp_path, "{opentelemetry: {enabled: true}}")
    write_project(tmp_path)
    broker = broker.replace("/0", "/2")
    with collector() as sink:
        send(tmp_path, broker)
        endpoint = f"http://127.0.0.1:{sink.port}"
        options = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        with worker(tmp_path, broker, "-P", pool, "-l", "DEBUG", **options):
            text = wait_until(tmp_path / "out.txt", "good succeeded", "bad failed")
            good = [line for line in lines(text) if line["message"].startswith("task proj.good s")]
            ids = {line["trace"]["id"] for line in good}
            sent = bytes.fromhex(next(iter(ids)))
            sink.wait(lambda: sent in b"".join(sink.bodies("/v1/traces")))
    assert [line["event"]["action"] for line in good] == ["task-started", "task-succeeded"]
    assert len(ids) == 1
    assert len({line["span"]["id"] for line in good}) == 1
    assert SECRET not in b"".join(sink.bodies("/v1/traces"))


def test_spans_go_by_grpc_where_the_variable_says_so(broker: str, tmp_path: Path) -> None:
    write_module(tmp_path, "{opentelemetry: {enabled: true}}")
    write_project(tmp_path)
    with spans_by_grpc() as (port, got):
        send(tmp_path, broker.replace("/0", "/6"))
        options = {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        with worker(tmp_path, broker.replace("/0", "/6"), **options):
            wait_until(tmp_path / "out.txt", "good succeeded")
    assert b"proj.good" in b"".join(got)
    assert SECRET not in b"".join(got)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, ["the OTLP protocol is http/json, not grpc or http/protobuf"]),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, ["OTEL_TRACES_EXPORTER is zipkin, and only otlp or none is known"]),
        ({"OTEL_TRACES_EXPORTER": "none"}, []),
    ],
)
def test_a_worker_says_once_why_no_span_is_sent(
    broker: str, tmp_path: Path, variables: dict[str, str], said: list[str]
) -> None:
    write_module(tmp_path, "{opentelemetry: {enabled: true}}")
    write_project(tmp_path)
    send(tmp_path, broker.replace("/0", "/7"))
    with worker(tmp_path, broker.replace("/0", "/7"), **variables):
        text = wait_until(tmp_path / "out.txt", "good succeeded")
    own = [line["message"] for line in lines(text) if line["log"].get("logger") == "celery_monitoring"]
    assert own == [f"no span is sent: {why}" for why in said]


def _python(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": "", **more}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_guides_new_relic_snippet_raises(tmp_path: Path) -> None:
    done = _python(tmp_path, sys.executable, "-c", GUIDE_NEW_RELIC)
    assert done.returncode == 1
    assert "TypeError" in done.stderr
    assert "object_path" in done.stderr


def test_new_relic_reads_the_generated_file(tmp_path: Path) -> None:
    write_module(tmp_path, "{newrelic: {enabled: true, app_name: shop-workers}}")
    read = (
        "import newrelic.agent as a; a.initialize('newrelic.ini'); s = a.global_settings(); "
        "print(s.app_name, s.monitor_mode, s.distributed_tracing.enabled, s.application_logging.forwarding.enabled)"
    )
    done = _python(tmp_path, sys.executable, "-c", read, NEW_RELIC_DEVELOPER_MODE="true")
    assert done.stdout.split() == ["shop-workers", "True", "True", "False"], done.stderr


@pytest.mark.parametrize("agent", [True, False])
def test_a_worker_says_whether_new_relic_runs(broker: str, tmp_path: Path, agent: bool) -> None:
    write_module(tmp_path, "{newrelic: {enabled: true}}")
    write_project(tmp_path)

    more = {"NEW_RELIC_LICENSE_KEY": "0" * 40, "NEW_RELIC_DEVELOPER_MODE": "true"}
    more["NEW_RELIC_CONFIG_FILE"] = str(tmp_path / "newrelic.ini")
    admin = [str(Path(sys.executable).with_name("newrelic-admin")), "run-program"] if agent else []
    broker = broker.replace("/0", "/3")
    send(tmp_path, broker)
    with worker(tmp_path, broker, "-P", "solo", before=admin, **more):
        text = wait_until(tmp_path / "out.txt", "good succeeded", "bad failed")
    assert ("New Relic is off" in text) == (not agent)
    assert ("newrelic/hooks/application_celery.py" in text) == agent
    assert SECRET.decode() not in text
