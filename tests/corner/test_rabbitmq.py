"""A virtual host of a real RabbitMQ, with quorum queues and delayed delivery. Each source says what is there."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from kombu.connection import Connection
from kombu.transport import native_delayed_delivery as delayed

from stackgen import pipeline
from stackgen.doctor.examine import Asked, examine
from stackgen.emitters.prometheus.configuration import artefacts
from stackgen.resolve.plan import Plan
from tests.corner.programs import recorded, running, told
from tests.live import brokers
from tests.live.processes import LOOPBACK, Programs, free_ports

pytestmark = [pytest.mark.slow, pytest.mark.promtool]

STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: proj, broker: {{kind: rabbitmq{corner}}}}}
queues: {{orders: , mail: }}
sources: [rabbitmq, celery-exporter, probe]
"""
OURS = ", vhost: shop"
QUORUM = {"x-queue-type": "quorum"}


@dataclass(frozen=True)
class Corner:
    """A running broker with 5 orders and 3 mails of ours, and more of others in the virtual host /."""

    plan: Plan
    url: str
    metrics: str
    programs: Programs


def _plan(folder: Path, corner: str) -> Plan:
    stack = folder / "stack.yaml"
    stack.write_text(STACK.format(corner=corner))
    pipeline.generate(stack, folder / "output", force=True)
    return pipeline.prepare(stack).plan


def _definitions(folder: Path) -> str:
    """The user guest and the virtual hosts / and shop, in the form that RabbitMQ loads."""
    salt = b"salt"
    secret = b64encode(salt + hashlib.sha256(salt + b"guest").digest()).decode()
    everything = {"user": "guest", "configure": ".*", "write": ".*", "read": ".*"}
    file = folder / "definitions.json"
    definitions = {
        "users": [{"name": "guest", "password_hash": secret, "tags": "administrator"}],
        "vhosts": [{"name": "/"}, {"name": "shop"}],
        "permissions": [{**everything, "vhost": "/"}, {**everything, "vhost": "shop"}],
    }
    file.write_text(json.dumps(definitions))
    return f"load_definitions = {file}\n"


def _send(url: str, counts: dict[str, int]) -> None:
    connection = Connection(url)  # type: ignore[no-untyped-call]
    with connection as open_one:
        channel = open_one.channel()
        for name, count in counts.items():
            channel.queue_declare(queue=name, durable=True, auto_delete=False, arguments=QUORUM)
            for _ in range(count):
                open_one.Producer(channel).publish({}, exchange="", routing_key=name)


def _delay(url: str, seconds: int, queue: str) -> None:
    """As Celery does with a task that has an ETA."""
    connection = Connection(url)  # type: ignore[no-untyped-call]
    with connection as open_one:
        delayed.declare_native_delayed_delivery_exchanges_and_queues(open_one, "quorum")
        key = delayed.calculate_routing_key(seconds, queue)
        first = delayed.level_name(delayed.MAX_LEVEL)
        open_one.Producer(open_one.channel()).publish({}, exchange=first, routing_key=key)


@pytest.fixture(scope="module")
def corner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corner]:
    folder = tmp_path_factory.mktemp("rabbitmq")
    names = brokers.PORTS["rabbitmq"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    with running(folder) as programs:
        brokers.start("rabbitmq", programs, ports, _definitions(folder))
        url = f"amqp://guest:guest@{LOOPBACK}:{ports['rabbitmq']}"
        _send(f"{url}/shop", {"orders": 5, "mail": 3})
        _send(f"{url}//", {"orders": 70, "blog": 1})
        _delay(f"{url}/shop", 3600, "orders")
        plan = _plan(folder, OURS)
        yield Corner(plan, url, f"http://{LOOPBACK}:{ports['rabbitmq-metrics']}", programs)


def _scraped(corner: Corner, plan: Plan) -> str:
    """What Prometheus would be told by the generated job."""
    config = next(one for one in artefacts(plan) if one.path == "prometheus/prometheus.yml")
    jobs = config.context["jobs"]
    assert isinstance(jobs, list)
    job = next(one for one in jobs if one["name"] == "rabbitmq")
    query = urllib.parse.urlencode(dict(job["params"]), doseq=True)
    with closing(urllib.request.urlopen(f"{corner.metrics}{job['path']}?{query}", timeout=20)) as answer:
        text: str = answer.read().decode()
        return text


def _until_counted(corner: Corner) -> str:
    """Quorum queues count what they hold every five seconds, each at its own pace."""
    end, wanted = time.monotonic() + 60, ('queue="orders"} 5', 'queue="mail"} 3', 'queue="celery_delayed_11"} 1')
    while not all(one in (text := _scraped(corner, corner.plan)) for one in wanted):
        assert time.monotonic() < end, text
        time.sleep(0.5)
    return text


def test_rabbitmq_says_what_is_in_our_virtual_host_and_what_is_delayed_is_no_backlog(
    corner: Corner, tmp_path: Path
) -> None:
    text = _until_counted(corner)

    assert 'vhost="/"' not in text
    assert recorded("rabbitmq", corner.plan, text, tmp_path) == {"orders": 5, "mail": 3}


@pytest.mark.parametrize("source", ["celery-exporter", "probe"])
def test_every_source_says_what_the_broker_holds(corner: Corner, source: str) -> None:
    assert told(source, corner.plan, f"{corner.url}/shop", corner.programs) == {"orders": 5, "mail": 3}


@pytest.mark.parametrize(
    ("stack", "vhost", "rules"),
    [
        (OURS, "/shop", ""),
        ("", "/shop", ""),
        (OURS, "//", "other-vhost queue-unseen"),
        (", vhost: /", "/shop", "other-vhost"),
        (", vhost: /", "//", "queue-unseen"),
    ],
)
def test_the_doctor_names_what_is_wrong(corner: Corner, stack: str, vhost: str, rules: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_BROKER", f"{corner.url}{vhost}")
        found = examine(_plan(tmp_path, stack), Asked(broker="SHOP_BROKER"))

    assert " ".join(one.rule for one in found) == rules
