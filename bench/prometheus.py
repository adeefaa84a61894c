"""`python -m bench.prometheus [SERIES …]`: what the generated rules cost a real Prometheus.

A server on loopback says what celery-exporter would for so many tasks and workers; a real Prometheus scrapes it and
evaluates the rules of a stack with 1,000, 10,000 and 100,000 such series. Printed: the time of one
evaluation of each group, as /api/v1/rules says it (prometheus_rule_group_last_duration_seconds).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, product
from pathlib import Path

from generator import pipeline
from generator.catalog import promql
from generator.catalog.sources.celery_exporter import ENDED, RUNTIME, STARTED
from tests.flower.redis_server import free_port

SIZES = (1_000, 10_000, 100_000)
SECONDS = 75
"""How long Prometheus collects before it is asked: enough scrapes for every `increase` to have work."""
WORKERS, QUEUES = 5, 10
PROMETHEUS = Path(__file__).resolve().parents[1] / ".tools/v3/usr/bin/prometheus"
STACK = """\
version: 1
stack: {{name: bench}}
celery: {{app: config, broker: {{kind: redis}}}}
queues: {{{queues}}}
sources: [{{name: celery-exporter, version: "0.12.2", targets: ["{target}"]}}]
prometheus: {{scrape_interval: 10s, evaluation_interval: 10s}}
outputs: [prometheus]
"""


def lines(series: int, bounds: Sequence[str]) -> list[str]:
    """Names and labels of about so many series: counters and a histogram per task and worker."""
    counters = [STARTED.name, *(metric.name for metric in ENDED.values())]
    each = len(counters) + len(bounds) + 3
    found = []
    for task, worker in product(range(max(1, round(series / (each * WORKERS)))), range(WORKERS)):
        labels = f'name="app.tasks.t{task}",hostname="host{worker}",queue_name="q{task % QUEUES}"'
        for name in counters:
            more = ',exception=""' if name.endswith("failed_total") else ""
            found.append(f"{name}{{{labels}{more}}}")
        found += [f'{RUNTIME.name}_bucket{{{labels},le="{bound}"}}' for bound in (*bounds, "+Inf")]
        found += [f"{RUNTIME.name}_{part}{{{labels}}}" for part in ("sum", "count")]
    return found


@contextmanager
def exposing(names: Sequence[str]) -> Iterator[str]:
    """Every series grows by one with each scrape."""
    scrapes = count(1)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            value = f" {next(scrapes)}\n"
            body = (value.join(names) + value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def measure(size: int, seconds: float) -> tuple[int, dict[str, float]]:
    """Number of series, and seconds of the last evaluation by group."""
    with tempfile.TemporaryDirectory(prefix="stackgen-bench-") as folder:
        site = pipeline.prepare(_stack(Path(folder), "127.0.0.1:1")).plan.site
        names = lines(size, [promql.number(bound) for bound in site.duration_buckets])
        with exposing(names) as target:
            return len(names), _run(Path(folder), target, seconds)


def _stack(folder: Path, target: str) -> Path:
    stack = folder / "stack.yaml"
    stack.write_text(STACK.format(target=target, queues=", ".join(f"q{n}: " for n in range(QUEUES))))
    return stack


def _run(folder: Path, target: str, seconds: float) -> dict[str, float]:
    pipeline.generate(_stack(folder, target), folder / "output")
    port = free_port()
    config = folder / "output/prometheus/prometheus.yml"
    config.write_text(config.read_text().replace("localhost:9090", f"127.0.0.1:{port}"))
    command = ["setpriv", "--pdeathsig", "KILL", str(PROMETHEUS), f"--config.file={config}"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            time.sleep(seconds)
            url = f"http://127.0.0.1:{port}/api/v1/rules"
            with urllib.request.urlopen(url, timeout=60) as answer:
                groups = json.load(answer)["data"]["groups"]
            return {group["name"]: float(group["evaluationTime"]) for group in groups}
        finally:
            process.kill()


def main() -> int:
    """Prints the table; 3 when there is no Prometheus to measure with."""
    parser = argparse.ArgumentParser(prog="python -m bench.prometheus", description=__doc__)
    parser.add_argument("series", nargs="*", type=int, default=SIZES)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each Prometheus collects")
    options = parser.parse_args()
    if not PROMETHEUS.is_file():
        print(f"{PROMETHEUS} is not there: run `make tools`", file=sys.stderr)
        return 3
    heading = True
    for size in options.series:
        number, groups = measure(size, options.seconds)
        if heading:
            print("series".rjust(8), *(name.rjust(16) for name in sorted(groups)), "all".rjust(10))
            heading = False
        times = (f"{groups[name] * 1000:.1f} ms".rjust(16) for name in sorted(groups))
        print(f"{number:>8}", *times, f"{sum(groups.values()) * 1000:.1f} ms".rjust(10), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
