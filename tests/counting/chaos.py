"""`python -m tests.counting.chaos`: what the rules count against a ledger, while workers and the exporter come and go.

Real programs: Redis, workers, celery-exporter 0.12.2, Prometheus; tasks come at a steady pace all the time. When all
windows are full, a worker is restarted, one is killed and starts again, the exporter is restarted, and every host is
replaced by a new one. Each line is a moment: executions of the last ten minutes as recorded, as in the ledger, and how
far they are apart. The last line is all executions, summed from what each evaluation saw as new.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from stackgen import pipeline
from stackgen.catalog.series import TASKS, TASKS_NEW
from stackgen.resolve.plan import Plan
from tests.live import prepare
from tests.live.brokers import address, program, start
from tests.live.exporters import exporter
from tests.live.processes import LOOPBACK, Failed, Programs, answers, free_ports
from tests.live.run import say

STACK = Path(__file__).with_name("chaos.stack.yaml")
HOSTS = ("w@alpha", "w@beta", "w@gamma")
PACE = 5
"""Tasks a second, of each kind."""
FILL = TASKS.window + 60
"""Seconds until windows are full and no series is young."""
SEEN = 40
"""Seconds until Prometheus has looked a few times."""
CALM = 90
"""Seconds between two blows."""
MOST = 0.02
"""How far apart rules and ledger may be."""
Counts = Mapping[tuple[str, str], float]
"""Executions by task and state."""


@dataclass(frozen=True)
class System:
    """Everything that runs."""

    programs: Programs
    ports: dict[str, int]
    plan: Plan
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def ledger(self) -> Path:
        """Where executions write themselves down."""
        return self.programs.folder / "ledger"

    @property
    def broker(self) -> str:
        """Redis."""
        return address("redis", self.ports)

    def start(self) -> None:
        """Everything, until it answers; then tasks begin to come."""
        folder = self.programs.folder
        start("redis", self.programs, self.ports)
        self.start_exporter()
        for host in HOSTS:
            self.start_worker(host)
        config = f"--config.file={folder}/output/prometheus/prometheus.yml"
        place = (f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={LOOPBACK}:{self.ports['prometheus']}")
        self.programs.start("prometheus", [program("v3", "prometheus"), config, *place])
        self.programs.wait("prometheus", partial(answers, f"http://{LOOPBACK}:{self.ports['prometheus']}/-/ready"))
        _rest(self, SEEN)  # what is there when Prometheus first looks is not new
        threading.Thread(target=self._send, daemon=True).start()

    def start_exporter(self) -> None:
        """celery-exporter, until it answers."""
        command, environment = exporter("exporter", self.plan.site, self.broker, self.ports, self.programs.folder)
        self.programs.start("exporter", command, environment)
        self.programs.wait("exporter", partial(answers, f"http://{LOOPBACK}:{self.ports['exporter']}/metrics"), 120)

    def start_worker(self, host: str) -> None:
        """A worker with two pool processes."""
        command = [sys.executable, "-m", "celery", "-A", "tests.counting.ledger_app", "worker", "-n", host, "-c", "2"]
        environment = {"LIVE_BROKER_URL": self.broker, "LEDGER": str(self.ledger)}
        self.programs.start(host, [*command, "-Q", "celery,bulk", "-l", "WARNING"], environment)

    def end_worker(self, host: str) -> None:
        """As a deployment does: what it works on ends first."""
        process = self.programs.running.pop(host)
        process.terminate()
        process.wait(timeout=120)

    def _send(self) -> None:
        from celery import Celery  # type: ignore[import-untyped]

        sender = Celery("sender", broker=self.broker)
        while not self.stop.wait(1 / PACE):
            sender.send_task("ledger.pays", queue="celery", retry=False)
            sender.send_task("ledger.owes", queue="bulk", retry=False)

    def recorded(self, query: str, at: float) -> Counts:
        """What the rules say at a moment."""
        asked = urllib.parse.urlencode({"query": f"sum by (task, state) ({query}) > 0", "time": at})
        url = f"http://{LOOPBACK}:{self.ports['prometheus']}/api/v1/query?{asked}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return {(one["metric"]["task"], one["metric"]["state"]): float(one["value"][1]) for one in result}

    def written(self, since: float, until: float) -> Counts:
        """What the ledger says of this time."""
        lines = (line.split() for line in self.ledger.read_text().splitlines())
        return Counter((task, state) for at, task, state in lines if since <= float(at) < until)


def apart(recorded: Counts, written: Counts) -> float:
    """The largest difference as a share of what was written."""
    return max(
        abs(recorded.get(one, 0) - written.get(one, 0)) / max(written.get(one, 0), 1) for one in {*recorded, *written}
    )


@contextmanager
def running() -> Iterator[System]:
    """The system, with what is generated for it, in a folder of its own."""
    names = ("redis", "exporter", "prometheus", "alertmanager")  # nobody listens at the last
    with tempfile.TemporaryDirectory(prefix="stackgen-chaos-") as name:
        folder, ports = Path(name), dict(zip(names, free_ports(len(names)), strict=True))
        stack = folder / "stack.yaml"
        stack.write_text(STACK.read_text().replace("/live/", f"{folder}/"))
        stage, _ = pipeline.generate(stack, folder / "output")
        prepare.move(folder, ports)
        (folder / "celery-exporter.json").write_text(json.dumps([{"targets": [f"{LOOPBACK}:{ports['exporter']}"]}]))
        system = System(Programs(folder), ports, stage.prepared.plan)
        try:
            system.start()
            yield system
        finally:
            system.stop.set()
            system.programs.kill_all()


def blows(system: System) -> Iterator[tuple[str, Callable[[], None]]]:
    """What happens, one after the other."""

    def restart() -> None:
        system.end_worker(HOSTS[0])
        system.start_worker(HOSTS[0])

    def kill() -> None:
        system.programs.kill(HOSTS[1])
        system.start_worker(HOSTS[1])

    def exporter_again() -> None:
        system.programs.kill("exporter")
        system.start_exporter()

    def replace() -> None:
        for host in HOSTS:
            system.start_worker(f"{host}2")
        for host in HOSTS:
            system.end_worker(host)

    yield "a worker is restarted", restart
    yield "a worker is killed and starts again", kill
    yield "the exporter is restarted", exporter_again
    yield "every host is replaced", replace


def run(system: System) -> list[float]:
    """How far apart rules and ledger were, moment by moment, and of all executions together."""
    found = []
    _rest(system, FILL)
    for what, blow in blows(system):
        say(what)
        blow()
        _rest(system, CALM)
        now = time.time()
        found.append(_told(what, system.recorded(TASKS.name, now), system.written(now - TASKS.window, now)))
    system.stop.set()
    _rest(system, 6 * float(system.plan.site.every(TASKS_NEW)))
    now = time.time()
    every = f"sum_over_time({TASKS_NEW.name}[1h])"
    return [*found, _told("all of it", system.recorded(every, now), system.written(0, now))]


def _told(what: str, recorded: Counts, written: Counts) -> float:
    share = apart(recorded, written)
    print(f"{what}: {share:.2%}; rules {_shown(recorded)}; ledger {_shown(written)}", flush=True)
    return share


def _shown(counts: Counts) -> str:
    return ", ".join(f"{task} {state} {amount:g}" for (task, state), amount in sorted(counts.items()))


def _rest(system: System, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        system.programs.check()
        time.sleep(1)


def main() -> int:
    """The exit code: 0 when rules and ledger are never further apart than MOST."""
    with running() as system:
        try:
            return int(max(run(system)) > MOST)
        except Failed as error:
            say(f"failed: {error}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
