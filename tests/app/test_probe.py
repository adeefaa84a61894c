"""The probe beside real workers, and with the broker gone and back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.cluster import REPOSITORY, Samples, fetch, lab_environment, parsed, send, total, until, worker
from tests.flower.redis_server import free_port, redis_server

pytestmark = pytest.mark.slow

START = (
    "import sys; from stackgen.app.parts.probe import probe_main; from lab_tasks import SETTINGS; "
    "sys.exit(probe_main(sys.argv[1:], SETTINGS))"
)


@contextmanager
def _probe(broker: str, folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-c", START, "--host", "127.0.0.1", "--port", str(port), "--interval", "0.5"]
    environment = lab_environment(broker, folder, LAB_PLAIN="1")
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}/metrics"
            until(lambda: fetch(url)[0] == 200)
            yield url
        finally:
            process.terminate()
            assert process.wait(timeout=15) == 0


def _samples(url: str) -> Samples:
    status, body = fetch(url)
    assert status == 200
    return parsed(body)


def _length(url: str, queue: str) -> float:
    return total(_samples(url), "celery_queue_length", {"queue": queue})


def _one(url: str, name: str) -> float | None:
    return _samples(url).get((name, frozenset()))


def test_depth_is_the_brokers_with_all_priorities_and_without_workers(tmp_path: Path) -> None:
    with redis_server(tmp_path) as broker, _probe(broker, tmp_path) as url:
        until(lambda: _one(url, "celery_probe_broker_up") == 1)
        assert (_length(url, "celery"), _length(url, "priority")) == (0, 0)
        assert (_one(url, "celery_workers_active"), _one(url, "celery_workers_total")) == (0, 0)
        send(broker, tmp_path, "for n in range(20): ok.apply_async(priority=3 * (n % 4))")
        until(lambda: _length(url, "celery") == 20)
        assert fetch(url, "application/openmetrics-text;version=1.0.0")[1].endswith("# EOF\n")


def test_workers_are_counted_by_queue_and_missed_when_killed(tmp_path: Path) -> None:
    with redis_server(tmp_path) as broker, _probe(broker, tmp_path) as url:
        with worker(broker, tmp_path, "-c", "1", "-P", "threads") as one:
            with worker(broker, tmp_path, "-c", "1", "-P", "threads", "-Q", "celery,priority", name="w2"):
                until(lambda: _one(url, "celery_workers_active") == 2)
                assert total(_samples(url), "celery_queue_consumers", {"queue": "celery"}) == 2
                assert total(_samples(url), "celery_queue_consumers", {"queue": "priority"}) == 1
            until(lambda: _one(url, "celery_workers_active") == 1)
            assert _one(url, "celery_workers_total") == 2
            send(broker, tmp_path, "for n in range(30): slow.delay(20)")

            def told() -> tuple[float, float]:
                samples = _samples(url)
                return total(samples, "celery_queue_length"), total(samples, "celery_queue_unacked")

            # One runs, acknowledged; sending takes longer than the probe's interval.
            until(lambda: sum(told()) == 29 and told()[1] >= 4, told)
            one.kill()
        until(lambda: _one(url, "celery_workers_active") == 0)


def test_a_lost_broker_is_told_and_its_return_noticed(tmp_path: Path) -> None:
    from tests.flower import redis_server as module

    port = free_port()
    broker = f"redis://127.0.0.1:{port}/0"
    with _probe(broker, tmp_path) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "free_port", lambda: port)
        assert set(_samples(url)) == {("celery_probe_broker_up", frozenset())}
        for _ in range(2):
            with redis_server(tmp_path):
                until(lambda: _one(url, "celery_probe_broker_up") == 1)
                assert _length(url, "celery") == 0
            until(lambda: _one(url, "celery_probe_broker_up") == 0)
        assert set(_samples(url)) == {("celery_probe_broker_up", frozenset())}


GONE = """
import redis
from stackgen.app.parts.broker import OneTry, broker_app, broker_url
from lab_tasks import SETTINGS

connection = broker_app(SETTINGS).connection_for_read()
with OneTry(connection).acquire() as producer:
    redis.Redis.from_url(broker_url(SETTINGS)).shutdown(nosave=True)
    try:
        producer.publish({}, exchange="celery.pidbox", retry=True)  # as kombu's mailbox does
    except Exception as error:
        print(type(error).__name__)
"""


def test_a_question_that_no_broker_takes_is_given_up(tmp_path: Path) -> None:
    with redis_server(tmp_path) as broker:
        done = subprocess.run(
            [sys.executable, "-c", GONE],
            env=lab_environment(broker, tmp_path, LAB_PLAIN="1"),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=30,  # by itself kombu would wait for ever
            check=False,
        )
    assert done.stdout == "ConnectionError\n", done.stderr


def test_without_an_address_it_says_which_variable_is_empty(tmp_path: Path) -> None:
    environment = lab_environment("", tmp_path, LAB_PLAIN="1")
    done = subprocess.run(
        [sys.executable, "-c", START], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "CELERY_BROKER_URL is empty" in done.stderr) == (1, True)


def test_the_age_of_the_oldest_message_is_told_and_its_body_is_not(tmp_path: Path) -> None:
    name = "celery_queue_oldest_seconds"
    with redis_server(tmp_path) as broker, _probe(broker, tmp_path) as url:
        until(lambda: _one(url, "celery_probe_broker_up") == 1)
        assert [labels for one, labels in _samples(url) if one == name] == []
        send(broker, tmp_path, "ok.apply_async(priority=9); ok.apply_async(countdown=600, queue='priority')")
        until(lambda: total(_samples(url), name, {"queue": "celery"}) > 1)
        assert total(_samples(url), name, {"queue": "priority"}) == 0, "it is not due yet"
        before = total(_samples(url), name, {"queue": "celery"})
        send(broker, tmp_path, "ok.apply_async(priority=0)")
        until(lambda: _length(url, "celery") == 2)
        assert total(_samples(url), name, {"queue": "celery"}) > before
