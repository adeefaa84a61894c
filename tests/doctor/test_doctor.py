"""Each fault of a running stack is named, with its fix; a healthy stack has none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackgen import pipeline
from stackgen.cli import main
from stackgen.doctor.examine import Asked, examine
from stackgen.doctor.finding import Finding, as_json, text
from stackgen.resolve.plan import Plan
from tests.doctor.programs import prometheus, saying, wait_until_evaluated
from tests.flower.redis_server import free_port, redis_server

SCRAPES = Path(__file__).resolve().parents[1] / "scrapes"
STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: config, broker: {{kind: redis}}}}
queues: {{celery: , priority: }}
sources:
  - {{name: celery-exporter, version: "0.12.2", targets: ["{exporter}"]}}
{more}
prometheus: {{scrape_interval: 10s, evaluation_interval: 10s, slow_interval: 10s}}
{last}
"""
PASSWORD = "hunter2-is-secret"


def said(name: str) -> str:
    return (SCRAPES / f"{name}.prom").read_text()


def healthy() -> str:
    """The load of two workers, from an exporter whose buckets hold the threshold of 300 s."""
    return said("celery-exporter-0.12.2-load").replace('le="10.0"', 'le="300.0"')


def _without_bound(said: str, bound: str) -> str:
    """What a worker with an older celery_monitoring.py would say."""
    return "".join(line for line in said.splitlines(keepends=True) if f'le="{bound}"' not in line)


def _stack(folder: Path, exporter: str = "celery-exporter:9808", more: str = "", last: str = "") -> Path:
    stack = folder / "stack.yaml"
    stack.write_text(STACK.format(exporter=exporter, more=more, last=last))
    return stack


def _plan(folder: Path) -> Plan:
    return pipeline.prepare(_stack(folder)).plan


def _rules(found: list[Finding]) -> list[str]:
    return [one.rule for one in found]


@pytest.mark.parametrize(
    ("exposed", "rule", "alert"),
    [
        ("celery-exporter-next-no-events", "events-off", "CeleryHighFailureRate"),
        ("celery-exporter-next-no-sent-event", "sent-events-off", "CeleryQueueStuck"),
        ("celery-exporter-0.12.2-load", "buckets", "CelerySlowTasks"),
    ],
)
def test_a_fault_that_the_exporter_shows(exposed: str, rule: str, alert: str, tmp_path: Path) -> None:
    with saying(said(exposed)) as address:
        found = examine(_plan(tmp_path), Asked(exporter=f"http://{address}"))

    named = next(one for one in found if one.rule == rule)
    assert alert in named.alerts


def test_a_healthy_exporter_has_no_fault(tmp_path: Path) -> None:
    with saying(healthy()) as address:
        assert examine(_plan(tmp_path), Asked(exporter=f"http://{address}/metrics")) == []


@pytest.mark.parametrize(("ahead", "rules"), [(120.0, ["clock-skew"]), (-120.0, ["clock-skew"]), (1.0, [])])
def test_a_clock_that_is_wrong(ahead: float, rules: list[str], tmp_path: Path) -> None:
    with saying(healthy(), ahead=ahead) as address:
        assert _rules(examine(_plan(tmp_path), Asked(exporter=f"http://{address}"))) == rules


def test_an_exporter_that_does_not_answer(tmp_path: Path) -> None:
    found = examine(_plan(tmp_path), Asked(exporter=f"http://127.0.0.1:{free_port()}"))

    assert _rules(found) == ["unreachable"]


def test_something_that_is_no_prometheus(tmp_path: Path) -> None:
    with saying('{"status": "fine"}') as address:
        assert _rules(examine(_plan(tmp_path), Asked(prometheus=f"http://{address}"))) == ["unreachable"]


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with redis_server(tmp_path) as url:
        monkeypatch.setenv("SHOP_BROKER", url)
        yield url


def _send(url: str, queue: str, priority: int) -> None:
    from kombu.connection import Connection  # kombu has types for a part of itself

    connection = Connection(url)  # type: ignore[no-untyped-call]
    with connection, connection.SimpleQueue(queue) as target:  # type: ignore[no-untyped-call]
        target.put("a task", priority=priority)


@pytest.mark.slow
def test_priorities_that_nobody_counts(broker: str, tmp_path: Path) -> None:
    _send(broker, "celery", 6)
    _send(broker, "priority", 0)

    found = examine(_plan(tmp_path), Asked(broker="SHOP_BROKER"))

    assert _rules(found) == ["priorities"]
    assert "celery (1 tasks)" in found[0].what


@pytest.mark.slow
def test_a_queue_that_stack_yaml_does_not_name(broker: str, tmp_path: Path) -> None:
    _send(broker, "celery", 0)
    _send(broker, "priority", 0)
    _send(broker, "forgotten", 0)

    found = examine(_plan(tmp_path), Asked(broker="SHOP_BROKER"))

    assert _rules(found) == ["unknown-queue"]
    assert found[0].what.endswith(": forgotten")


@pytest.mark.slow
def test_a_broker_in_order_has_no_fault(broker: str, tmp_path: Path) -> None:
    _send(broker, "celery", 0)
    _send(broker, "priority", 0)

    assert examine(_plan(tmp_path), Asked(broker="SHOP_BROKER")) == []


def test_the_address_of_the_broker_is_never_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (
        f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0",
        f"amqp://u:{PASSWORD}@h",
        f"redis://:{PASSWORD}@h:x/",
    ):
        monkeypatch.setenv("SHOP_BROKER", url)
        found = examine(_plan(tmp_path), Asked(broker="SHOP_BROKER"))

        assert _rules(found) == ["unreachable"]
        assert PASSWORD not in text(found) + as_json(found)


def test_secret_files_missing_and_open_to_all(tmp_path: Path) -> None:
    plan, folder = _plan(tmp_path), tmp_path / "secrets"
    missing = examine(plan, Asked(secrets=folder))
    pipeline.secret_files(tmp_path / "stack.yaml", tmp_path)
    in_order = examine(plan, Asked(secrets=tmp_path / ".secrets"))
    (tmp_path / ".secrets").chmod(0o755)
    open_to_all = examine(plan, Asked(secrets=tmp_path / ".secrets"))

    assert {(one.rule, one.what.rpartition(" ")[2]) for one in missing} == {("secret-file", "missing")}
    assert in_order == []
    assert {one.rule for one in open_to_all} == {"secret-file"}
    assert all("every user" in one.what for one in open_to_all)


@pytest.fixture(scope="module")
def running(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Path, str]]]:
    """Two real Prometheus: one in order, and one with everything wrong that Prometheus can show."""
    program = repository / ".tools/v3/usr/bin/prometheus"
    with ExitStack() as stack:
        good = stack.enter_context(saying(healthy()))
        poor = "\n".join(line for line in healthy().splitlines() if "celery_active_worker" not in line)
        bad = stack.enter_context(saying(poor))
        worker = stack.enter_context(saying(said("worker-load")))
        old_worker = stack.enter_context(saying(_without_bound(said("worker-load"), "60.0")))
        alertmanager = stack.enter_context(saying(said("alertmanager-0.33")))
        found = {}
        for name, exporter, workers in (("healthy", good, [worker]), ("sick", bad, [worker, old_worker])):
            folder = tmp_path_factory.mktemp(name)
            more = f"  - {{name: worker, targets: {json.dumps(workers)}}}\n"
            if name == "sick":
                more += f'  - {{name: redis, targets: ["127.0.0.1:{free_port()}"]}}\n'
            file = _stack(folder, exporter, more)
            pipeline.generate(file, folder / "output")
            config = folder / "output/prometheus/prometheus.yml"
            made = config.read_text().replace("alertmanager:9093", alertmanager)
            if name == "sick":
                made += f"  - job_name: old-exporter\n    static_configs: [{{targets: ['{good}']}}]\n"
                (rules,) = config.parent.glob("rules/celery-queues-*.yml")
                rules.write_text(rules.read_text().replace("> 5000", "> 9000"))
            config.write_text(made)
            found[name] = (file, stack.enter_context(prometheus(program, config, folder)))
        for _, url in found.values():
            wait_until_evaluated(url)
        yield found


@pytest.mark.slow
@pytest.mark.promtool
def test_a_healthy_stack_has_no_fault(running: dict[str, tuple[Path, str]]) -> None:
    file, url = running["healthy"]

    assert examine(pipeline.prepare(file).plan, Asked(prometheus=url)) == []


@pytest.mark.slow
@pytest.mark.promtool
@pytest.mark.parametrize(
    ("rule", "word", "alert"),
    [
        ("source-down", "redis", "CeleryBrokerDown"),
        ("two-exporters", "old-exporter", "CeleryHighFailureRate"),
        ("series-missing", "celery:queue_workers:count", "CeleryQueueWithoutConsumers"),
        ("source-blind", "and gets no celery_active_worker_count of celery-exporter", "CeleryQueueWithoutConsumers"),
        ("rules-differ", "CeleryQueueBacklog", "CeleryQueueBacklog"),
        ("buckets", "celery_task_wait_time_seconds has no bound at the threshold 60 s", "CeleryTaskWaitTooLong"),
    ],
)
def test_a_fault_that_prometheus_shows(running: dict[str, tuple[Path, str]], rule: str, word: str, alert: str) -> None:
    file, url = running["sick"]

    found = [one for one in examine(pipeline.prepare(file).plan, Asked(prometheus=url)) if one.rule == rule]

    assert any(word in one.what and alert in one.alerts and one.fix for one in found)


def test_the_command_prints_findings_and_exits_with_1(tmp_path: Path) -> None:
    stack = _stack(tmp_path, last="outputs: [prometheus]")
    with saying(said("celery-exporter-0.12.2-load")) as address:
        options = ["doctor", "--stack", str(stack), "--output", str(tmp_path), "--exporter", f"http://{address}"]
        plain = CliRunner().invoke(main, options)
        data = CliRunner().invoke(main, [*options, "--format", "json"])

    assert (plain.exit_code, data.exit_code) == (1, 1)
    assert plain.stdout.startswith("buckets: celery_task_runtime has no bound at the threshold 300 s")
    assert [(one["rule"], one["alerts"]) for one in json.loads(data.stdout)] == [("buckets", ["CelerySlowTasks"])]


def test_the_command_exits_with_0_when_all_is_well(tmp_path: Path) -> None:
    stack = _stack(tmp_path, last="outputs: [prometheus]")
    with saying(healthy()) as address:
        options = ["doctor", "--stack", str(stack), "--output", str(tmp_path), "--exporter", f"http://{address}"]
        done = CliRunner().invoke(main, options, env=dict(os.environ))

    assert (done.exit_code, done.stdout) == (0, "")
