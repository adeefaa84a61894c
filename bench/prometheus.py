"""`python -m bench.prometheus [SERIES …]`: what the generated rules cost a real Prometheus, in turn with a commit's.

Two windows of history are written into it, and then it scrapes and evaluates nothing by itself: every rule is asked at
the same moment, round by round, of this checkout, of the commit, and the failure rate as celery-mixin asks for it. What
a rule records is written back, so that later rules find it. Printed by group: seconds of CPU in 30 s of evaluations,
samples that were selected for them, and the longest evaluation; and the ratio of this checkout to the commit, with the
range of the rounds.

Each checkout has a Prometheus of its own. With --generic the commit's rules read the series of every host, and those of
this checkout the series of an exporter that leaves the hosts out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from bench.against import checkout, package
from bench.fed import QUEUES, Shape, exported, write
from bench.measure import once
from stackgen.catalog import promql
from stackgen.resolve.site import BUCKET_BOUNDS
from stackgen.spec.scalars import Duration
from tests.flower.redis_server import free_port

REPOSITORY = Path(__file__).resolve().parents[1]
PROMETHEUS = REPOSITORY / ".tools/v3/usr/bin/prometheus"
SIZES = (10_000, 100_000)
HISTORY, SCRAPE = 1500, 30
"""Seconds: more than two of the longest windows, and how far apart samples are."""
STACK = """\
version: 1
stack: {{name: {name}}}
celery: {{app: config, broker: {{kind: redis}}}}
queues: {{{queues}}}
sources: [{{name: celery-exporter, version: "0.12.2"}}]
outputs: [prometheus]
"""
_COUNTED = (
    'sum by (job, namespace, queue_name, name) (increase(celery_task_{}_total{{job=~".*celery.*",name!~"None"}}[10m]))'
)
_FAILED, _SUCCEEDED = _COUNTED.format("failed"), _COUNTED.format("succeeded")
_SHARE = f"{_FAILED} / ({_FAILED} + {_SUCCEEDED}) > 0.05"
_MIXIN = {"name": "celery-mixin", "interval": "30s", "rules": [{"expr": _SHARE}]}


@dataclass(frozen=True)
class Cost:
    """What one evaluation of one group took: seconds of CPU and of time, and samples selected."""

    cpu: float
    wall: float
    samples: int


@dataclass
class Rules:
    """The groups of one checkout, and what each took, round by round."""

    groups: Sequence[Mapping[str, Any]]
    rounds: list[list[Cost]] = field(default_factory=list)

    def rates(self, number: int) -> list[float]:
        """By round: seconds of CPU of one group in 30 s."""
        seconds = float(Duration.of(self.groups[number]["interval"]).seconds)
        return [costs[number].cpu * 30 / seconds for costs in self.rounds]


@dataclass(frozen=True)
class Server:
    """A Prometheus that runs."""

    pid: int
    url: str

    def cpu(self) -> float:
        """Seconds of CPU of all its threads so far."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def peak(self) -> int:
        """The most memory that it ever had, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024

    def asked(self, expr: str, at: int) -> tuple[list[Any], int]:
        """The series that answer, and the number of samples that were read for them."""
        query = urllib.parse.urlencode({"query": expr, "time": at, "stats": "all"}).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/query", query, timeout=600) as answer:
            data = json.load(answer)["data"]
        found = data["result"] if data["resultType"] == "vector" else []
        return found, data["stats"]["samples"]["totalQueryableSamples"]


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """It scrapes and evaluates nothing."""
    folder.mkdir()
    port, config = free_port(), folder / "empty.yml"
    config.write_text("{}\n")
    command = ["setpriv", "--pdeathsig", "KILL", str(PROMETHEUS), f"--config.file={config}"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--web.enable-remote-write-receiver", "--query.max-samples=500000000", "--query.timeout=10m"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        server = Server(process.pid, f"http://127.0.0.1:{port}")
        try:
            _await(server)
            yield server
        finally:
            process.kill()


def _await(server: Server) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{server.url}/-/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    message = "Prometheus did not start"
    raise TimeoutError(message)


def generated(name: str, tree: Path, folder: Path) -> Rules:
    """The rules that a checkout generates."""
    module, sources = package(tree)
    stack, output = folder / f"{name}.yaml", folder / name
    stack.write_text(STACK.format(name=name, queues=", ".join(f"q{n}: " for n in range(QUEUES))))
    environment = {**os.environ, "PYTHONPATH": str(sources)}
    once([sys.executable, "-m", module, "generate", "--stack", stack, "--output", output], folder, environment)
    files = sorted((output / "prometheus/rules").glob("*.yml"))
    return Rules([group for path in files for group in yaml.safe_load(path.read_text())["groups"]])


def evaluate(server: Server, rules: Rules, at: int) -> None:
    """One round: every group, one rule after the other."""
    costs = []
    for group in rules.groups:
        cpu = wall = samples = 0.0
        for rule in group["rules"]:
            used, began = server.cpu(), time.perf_counter()
            found, read = server.asked(rule["expr"], at)
            cpu, wall, samples = cpu + server.cpu() - used, wall + time.perf_counter() - began, samples + read
            if found and "record" in rule:
                name = {"__name__": rule["record"], **rule.get("labels", {})}
                write(server.url, (({**one["metric"], **name}, [(at, float(one["value"][1]))]) for one in found))
        costs.append(Cost(cpu, wall, int(samples)))
    rules.rounds.append(costs)


def measure(shape: Shape, trees: Mapping[str, Path], rounds: int) -> str:
    """The table of one size."""
    now = int(time.time()) // SCRAPE * SCRAPE
    rows, moments = list[str](), range(now - HISTORY, now + 1, SCRAPE)
    with tempfile.TemporaryDirectory(prefix="stackgen-bench-") as name, ExitStack() as stack:
        contestants = {which: generated(which, tree, Path(name)) for which, tree in trees.items()}
        servers: dict[str, Server] = {}
        for which in trees:
            servers[which] = stack.enter_context(running(Path(name, f"of-{which}")))
            fed = replace(shape, generic=shape.generic and which == "now")
            rows.append(f"{which}: {write(servers[which].url, exported(fed, moments)):,} series")
        contestants["mixin"], servers["mixin"] = Rules([_MIXIN]), servers["now"]
        for number in range(rounds + 1):  # the first fills caches, and is not counted
            for which in list(contestants)[:: 1 if number % 2 else -1]:
                evaluate(servers[which], contestants[which], now)
        for rules in contestants.values():
            del rules.rounds[0]
        peaks = ", ".join(f"{rows[n]}, peak of {servers[which].peak()} MiB" for n, which in enumerate(trees))
        return f"{shape.hosts} hosts; {peaks}\n{table(contestants)}"


def table(contestants: Mapping[str, Rules]) -> str:
    """A line for each group, then for all groups of the tasks, with the ratio of the first two contestants."""
    rows, tasks = [], dict[str, list[float]]()
    for which, rules in contestants.items():
        for number, group in enumerate(rules.groups):
            cpu, costs = rules.rates(number), [costs[number] for costs in rules.rounds]
            wall, samples = median(cost.wall for cost in costs), costs[0].samples
            rows.append(
                f"{group['name']:44}{group['interval']:>6} {_shown(cpu)} s CPU{wall:9.3f} s long{samples:12,} samples"
            )
            if "-tasks" in group["name"]:
                tasks[which] = [a + b for a, b in zip(cpu, tasks.get(which, [0.0] * len(cpu)), strict=True)]
    rows += [f"{f'tasks, {which}':50} {_shown(cpu)} s CPU" for which, cpu in tasks.items()]
    if len(tasks) == 2:
        before, after = tasks.values()
        rows.append(f"{'ratio':50} {_shown([b / a for a, b in zip(before, after, strict=True)])}")
    return "\n".join(rows)


def _shown(values: Sequence[float]) -> str:
    return f"{median(values):8.3f} ({min(values):.3f} to {max(values):.3f})"


def main() -> int:
    """Prints a table for each size; 3 when there is no Prometheus to measure with."""
    parser = argparse.ArgumentParser(prog="python -m bench.prometheus", description=__doc__)
    parser.add_argument("series", nargs="*", type=int, default=SIZES)
    parser.add_argument("--against", metavar="COMMIT", help="measure the rules of this commit in turn")
    parser.add_argument("--hosts", type=int, default=20, help="workers that run every task (default 20)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that are counted (default 5)")
    parser.add_argument("--churn", action="store_true", help="replace every host once an hour")
    parser.add_argument("--generic", action="store_true", help="this checkout's exporter leaves the hosts out")
    options = parser.parse_args()
    if not PROMETHEUS.is_file():
        print(f"{PROMETHEUS} is not there: run `make tools`", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="stackgen-commit-") as folder:
        if options.against:
            with checkout(options.against, REPOSITORY, Path(folder)) as tree:
                _print(options, {"before": tree, "now": REPOSITORY})
        else:
            _print(options, {"now": REPOSITORY})
    return 0


def _print(options: argparse.Namespace, trees: Mapping[str, Path]) -> None:
    bounds = [promql.number(bound) for bound in BUCKET_BOUNDS]
    for size in options.series:
        shape = Shape(size, options.hosts, bounds, options.churn, options.generic)
        print(measure(shape, trees, options.rounds), flush=True)


if __name__ == "__main__":
    sys.exit(main())
