"""What docker-compose.yml promises, seen on a real engine: `make containers` starts it and calls this."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stackgen import pipeline
from stackgen.verify import tools

PROMETHEUS, ALERTMANAGER, FLOWER = (f"http://127.0.0.1:{port}" for port in (39090, 39093, 35555))
PATIENCE_SECONDS = 300
TARGETS = 6


@dataclass(frozen=True)
class Stack:
    """The folder with stack.yaml and output/."""

    folder: Path

    def compose(self, *arguments: str) -> str:
        """Docker compose with the demo's profile; what it prints."""
        command = [str(tools.find("docker-compose")), "--profile", "demo", *arguments]
        done = subprocess.run(command, cwd=self.folder / "output", capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"{' '.join(arguments)}: {done.stderr[-1000:]}"
            raise AssertionError(message)
        return done.stdout

    def containers(self) -> Mapping[str, Mapping[str, Any]]:
        """What the engine says of each container, by its service and number."""
        ids = self.compose("ps", "--all", "--quiet").split()
        said = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True).stdout
        return {one["Name"].removeprefix("/shop-production-monitoring-"): one for one in json.loads(said)}

    def change(self, old: str, new: str) -> set[str]:
        """Changes stack.yaml as README says, and gives the containers that were made anew."""
        before = {name: one["Id"] for name, one in self.containers().items()}
        file = self.folder / "stack.yaml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        pipeline.generate(file, self.folder / "output")
        self.compose("up", "-d")
        return {name for name, one in self.containers().items() if before.get(name) != one["Id"]}


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _query(expr: str) -> list[Any]:
    found: list[Any] = _get(f"{PROMETHEUS}/api/v1/query?query={quote(expr)}")["data"]["result"]
    return found


def _active() -> list[str]:
    return [found["value"][1] for found in _query("celery:workers_active:count")]


def _until(what: str, seen: Callable[[], object]) -> None:
    began = time.monotonic()
    while time.monotonic() < began + PATIENCE_SECONDS:
        try:
            if seen():
                print(f"{what}: after {time.monotonic() - began:.0f} s", flush=True)
                return
        except (OSError, KeyError):
            pass
        time.sleep(3)
    message = f"not within {PATIENCE_SECONDS} s: {what}"
    raise AssertionError(message)


def _healthy(stack: Stack) -> bool:
    states = {name: one["State"] for name, one in stack.containers().items()}
    return all(s["Running"] and s.get("Health", {"Status": "healthy"})["Status"] == "healthy" for s in states.values())


def _status(path: str) -> int:
    try:
        with urllib.request.urlopen(FLOWER + path, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def starts(stack: Stack) -> None:
    """Everything is healthy, scraped, judged and measured."""
    stack.compose("up", "-d")
    _until("every container is healthy", lambda: _healthy(stack))
    _until(f"{TARGETS} targets answer", lambda: [r["value"][1] for r in _query("up")] == ["1"] * TARGETS)
    groups = _get(f"{PROMETHEUS}/api/v1/rules")["data"]["groups"]
    assert {rule["lastError"] for group in groups for rule in group["rules"] if "lastError" in rule} == set()
    wanted = set(pipeline.prepare(stack.folder / "stack.yaml").plan.chosen)

    def missing() -> set[str]:
        return wanted - {r["metric"]["__name__"] for r in _query('{__name__=~"celery:.+"}')}

    try:
        _until(f"{len(wanted)} canonical series", lambda: not missing())
    except AssertionError:
        print("missing:", sorted(missing()))
        raise
    assert _status("/workers") == 401
    told = {name for name, one in stack.containers().items() if "redis://" in json.dumps(one)}
    assert told == {f"{name}-1" for name in ("worker", "beat", "traffic")}, told  # the demo's, which has no password


def reached(stack: Stack) -> None:
    """`doctor` reaches Prometheus, the exporter and the broker with README's override, and finds nothing wrong."""
    ports = {"celery-exporter": (39808, 9808), "redis": (36379, 6379)}
    services = {name: {"ports": [f"127.0.0.1:{out}:{inside}"]} for name, (out, inside) in ports.items()}
    override = stack.folder / "output" / "compose.override.yml"
    override.write_text(json.dumps({"services": services}), encoding="utf-8")
    stack.compose("up", "-d")
    _until("every container is healthy again", lambda: _healthy(stack))
    asked = {"prometheus": PROMETHEUS, "alertmanager": ALERTMANAGER, "exporter": "http://127.0.0.1:39808"}
    options = [word for name, url in asked.items() for word in (f"--{name}", url)]
    command = [sys.executable, "-m", "stackgen", "doctor", *options, "--broker", "BROKER"]
    environment = {**os.environ, "BROKER": "redis://127.0.0.1:36379/0"}

    def nothing_is_wrong() -> bool:
        done = subprocess.run(command, cwd=stack.folder, env=environment, capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr, flush=True)
        return done.returncode == 0

    _until("doctor finds nothing wrong", nothing_is_wrong)
    override.unlink()


def scales(stack: Stack) -> None:
    """Both of two workers are measured, and one that is killed is noticed."""
    stack.compose("up", "-d", "--scale", "worker=2")
    _until("two workers are scraped", lambda: len(_query('up{job="celery-worker"} == 1')) == 2)
    both = 'count(sum by (instance) (increase(celery_tasks_total{job="celery-worker"}[2m])) > 0) == 2'
    _until("both count tasks", lambda: _query(both))
    _until("two workers are active", lambda: _active() == ["2"])
    subprocess.run(["docker", "kill", "shop-production-monitoring-worker-2"], check=True, capture_output=True)
    _until("one of them is gone", lambda: len(_query('up{job="celery-worker"} == 1')) == 1)
    _until("one worker is active", lambda: _active() == ["1"])


def changes(stack: Stack) -> None:
    """A changed stack.yaml brings exactly the services whose files changed, and they run the new files."""
    stack.compose("up", "-d")
    assert stack.change("warning: 1000", "warning: 777") == {"prometheus-1"}
    _until("Prometheus judges by the new threshold", lambda: "777" in json.dumps(_get(f"{PROMETHEUS}/api/v1/rules")))
    assert stack.change("sources:", "flower: {max_tasks: 777}\nsources:") == {"flower-1"}
    assert "max_tasks = 777" in stack.compose("exec", "-T", "flower", "cat", "/etc/flower/config.py")


def reloads(stack: Stack) -> None:
    """The advised reload keeps the restart policy: killed later, Prometheus comes back."""
    stack.compose("exec", "-T", "prometheus", "kill", "-HUP", "1")
    os.kill(stack.containers()["prometheus-1"]["State"]["Pid"], signal.SIGKILL)
    _until("Prometheus is started again", lambda: stack.containers()["prometheus-1"]["RestartCount"] == 1)
    _until("it answers", lambda: _query("up"))


def stays_closed(stack: Stack) -> None:
    """Flower does not open when its user cannot read the settings."""
    file = stack.folder / "output" / "flower" / "config.py"
    file.chmod(0o600)
    stack.compose("restart", "flower")
    _until("Flower fails to start", lambda: stack.containers()["flower-1"]["RestartCount"] >= 2)
    assert _status("/workers") == 0
    file.chmod(0o644)
    _until("Flower asks for a password again", lambda: _status("/workers") == 401)


def survives(stack: Stack) -> None:
    """What was measured is there after `down` and `up`."""
    _until("all targets answered", lambda: int(_query("count(up)")[0]["value"][1]) >= TARGETS)
    then = time.time()
    stack.compose("down")
    stack.compose("up", "-d")
    _until("Prometheus answers after down and up", lambda: _query("up"))
    url = f"{PROMETHEUS}/api/v1/query?query=count(up)&time={then}"
    assert int(_get(url)["data"]["result"][0]["value"][1]) >= TARGETS


def main() -> None:
    """Every step in turn; what is left running is taken down."""
    stack = Stack(Path(sys.argv[1]))
    stack.compose("down", "--volumes")  # what a killed run left
    try:
        for step in (starts, reached, scales, changes, reloads, stays_closed, survives):
            print(f"{step.__name__}: {step.__doc__}", flush=True)
            step(stack)
    finally:
        stack.compose("down", "--volumes")
    print("all that docker-compose.yml promises was seen")


if __name__ == "__main__":
    main()
