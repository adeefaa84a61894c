"""A part of a real Redis: in database 3, behind a prefix, by TLS, behind Sentinel. Each source says what is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kombu.connection import Connection

from stackgen import pipeline
from stackgen.doctor.examine import Asked, examine
from stackgen.resolve.plan import Plan
from tests.corner.programs import certificates, running, start_redis, start_sentinel, told
from tests.live.processes import LOOPBACK, Programs

pytestmark = [pytest.mark.slow, pytest.mark.promtool]

STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: proj, broker: {{kind: redis, {corner}}}}}
queues: {{orders: , mail: }}
sources: [celery-exporter, redis, probe]
"""
PREFIXED = 'database: 3, transport_options: {global_keyprefix: "shop:"}'
KINDS = ("prefixed", "tls", "sentinel")


@dataclass(frozen=True)
class Corner:
    """A running broker with 5 orders and 3 mails of ours, and more of others beside them."""

    plan: Plan
    url: str
    programs: Programs


def _send(url: str, counts: dict[str, int], **options: object) -> None:
    connection = Connection(url, **options)  # type: ignore[no-untyped-call]
    with connection:
        for queue, count in counts.items():
            with connection.SimpleQueue(queue) as target:  # type: ignore[no-untyped-call]
                for _ in range(count):
                    target.put("a task")


def _plan(folder: Path, corner: str) -> Plan:
    stack = folder / "stack.yaml"
    stack.write_text(STACK.format(corner=corner))
    pipeline.generate(stack, folder / "output", force=True)
    return pipeline.prepare(stack).plan


@pytest.fixture(scope="module", params=KINDS)
def corner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corner]:
    folder = tmp_path_factory.mktemp(request.param)
    with running(folder) as programs:
        match request.param:
            case "prefixed":
                port = start_redis(programs, "broker")
                plan, url = _plan(folder, PREFIXED), f"redis://{LOOPBACK}:{port}/3"
            case "tls":
                files = certificates(folder)
                own = ("--tls-cert-file", str(files["cert"]), "--tls-key-file", str(files["key"]))
                port = start_redis(programs, "broker", *own, "--tls-ca-cert-file", str(files["ca"]))
                tls = f"tls: {{ca_file: {files['ca']}, cert_file: {files['cert']}, key_file: {files['key']}}}"
                plan, url = _plan(folder, f"database: 3, {tls}"), f"rediss://localhost:{port}/3"
            case _:
                master = start_redis(programs, "broker")
                port = start_sentinel(programs, master)
                plan = _plan(folder, "database: 3, transport_options: {master_name: shop}")
                url = f"sentinel://{LOOPBACK}:{port}/3"
        known = plan.site.corner
        secure = {"ssl": known.ssl} if known.ssl else {}
        _send(url, {"orders": 5, "mail": 3}, transport_options=dict(known.options), **secure)
        others = {name: value for name, value in known.options.items() if name != "global_keyprefix"}
        _send(f"{url.removesuffix('3')}0", {"orders": 70, "blog": 1}, transport_options=others, **secure)
        if known.prefix:
            _send(url, {"orders": 90}, transport_options=others)
        yield Corner(plan, url, programs)


@pytest.mark.parametrize("source", ["celery-exporter", "redis", "probe"])
def test_every_source_says_what_the_broker_holds(corner: Corner, source: str) -> None:
    if source not in {one.source.id for one in corner.plan.scraped}:
        assert source == "redis"
        assert corner.plan.left_out, "behind Sentinel redis_exporter is left out, with the reason"
        return
    assert told(source, corner.plan, corner.url, corner.programs) == {"orders": 5, "mail": 3}


def test_celery_as_flower_starts_it_finds_the_same_queues(corner: Corner) -> None:
    asked = "from celery import current_app as app; print(app.connection().default_channel.client.llen('orders'))"
    found = {"PYTHONPATH": f"{corner.programs.folder}/output/flower", "CELERY_BROKER_URL": corner.url}
    command = [sys.executable, "-c", asked]

    done = subprocess.run(
        command, env={**os.environ, **found}, cwd=corner.programs.folder, capture_output=True, text=True, check=False
    )

    assert done.stdout == "5\n", done.stderr


def test_the_doctor_finds_nothing_wrong(corner: Corner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_BROKER", corner.url)

    assert examine(corner.plan, Asked(broker="SHOP_BROKER")) == []


@pytest.mark.parametrize(
    ("corner_", "database", "rules"),
    [
        (PREFIXED, "1", ["other-database", "nothing-ours"]),
        ('transport_options: {global_keyprefix: "shop:"}', "3", ["other-database"]),
        ("database: 3", "3", ["nothing-ours"]),
        ('database: 3, transport_options: {global_keyprefix: "shop"}', "3", ["nothing-ours"]),
    ],
)
def test_the_doctor_names_what_is_wrong(
    corner_: str, database: str, rules: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as programs:
        url = f"redis://{LOOPBACK}:{start_redis(programs, 'broker')}"
        _send(f"{url}/3", {"orders": 5, "mail": 3}, transport_options={"global_keyprefix": "shop:"})
        monkeypatch.setenv("SHOP_BROKER", f"{url}/{database}")

        found = examine(_plan(tmp_path, corner_), Asked(broker="SHOP_BROKER"))

    assert [one.rule for one in found] == rules
    assert all("CeleryQueueBacklog" in one.alerts for one in found)
    if "nothing-ours" in rules:
        assert found[-1].what.endswith("queues of these names are in database 3 with the prefix 'shop:'")


def test_the_doctor_names_queues_that_nobody_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path) as programs:
        url = f"redis://{LOOPBACK}:{start_redis(programs, 'broker')}/3"
        _send(url, {"orders": 1, "male": 1})
        monkeypatch.setenv("SHOP_BROKER", url)

        found = examine(_plan(tmp_path, "database: 3"), Asked(broker="SHOP_BROKER"))

    assert [(one.rule, one.what.rpartition(": ")[2]) for one in found] == [
        ("unknown-queue", "male"),
        ("queue-unseen", "mail"),
    ]


def test_redis_itself_says_what_is_in_queues_behind_a_pattern(tmp_path: Path) -> None:
    stack = tmp_path / "stack.yaml"
    stack.write_text(STACK.format(corner=PREFIXED).replace("mail: }", 'mail: , "tenant-*": , "*-bulk": }'))
    with running(tmp_path) as programs:
        url = f"redis://{LOOPBACK}:{start_redis(programs, 'broker')}/3"
        options = {"global_keyprefix": "shop:"}
        _send(url, {"orders": 2, "tenant-7": 4, "tenant-8": 1, "x-bulk": 3, "other": 9}, transport_options=options)
        _send(url, {"tenant-7": 50, "y-bulk": 50})

        found = told("redis", pipeline.prepare(stack).plan, url, programs)

    assert found == {"orders": 2, "mail": 0, "tenant-7": 4, "tenant-8": 1, "x-bulk": 3}
