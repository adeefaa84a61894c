"""`python -m bench.prometheus [SERIES …]`: what the generated rules and dashboards cost a real Prometheus.

A server on loopback says what celery-exporter would for so many tasks and workers; a real Prometheus scrapes it and
evaluates the rules of a stack with 1,000, 10,000 and 100,000 such series. Printed by size: the time of one evaluation
of each rule group, as /api/v1/rules says it, and of all queries of each dashboard over the last half hour, one after
the other, the best of three; and how much each grows from size to size.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, product
from pathlib import Path
from typing import Any

from stackgen import pipeline
from stackgen.catalog import promql
from stackgen.catalog.sources.celery_exporter import ENDED, RUNTIME, STARTED
from tests.flower.redis_server import free_port
from tests.live.answered import boards, queries

SIZES = (1_000, 10_000, 100_000)
SECONDS = 75
"""How long Prometheus collects before it is asked: enough scrapes for every `increase` to have work."""
WORKERS, QUEUES = 5, 10
_WINDOW = 1800.0
Costs = dict[str, float]
"""Seconds by rule group and dashboard."""
PROMETHEUS = Path(__file__).resolve().parents[1] / ".tools/v3/usr/bin/prometheus"
STACK = """\
version: 1
stack: {{name: bench}}
celery: {{app: config, broker: {{kind: redis}}}}
queues: {{{queues}}}
sources: [{{name: celery-exporter, version: "0.12.2", targets: ["{target}"]}}]
prometheus: {{scrape_interval: 10s, evaluation_interval: 10s}}
outputs: [prometheus, grafana]
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


def measure(size: int, seconds: float) -> tuple[int, Costs]:
    """Number of series, and seconds by rule group and dashboard."""
    with tempfile.TemporaryDirectory(prefix="stackgen-bench-") as folder:
        site = pipeline.prepare(_stack(Path(folder), "127.0.0.1:1")).plan.site
        names = lines(size, [promql.number(bound) for bound in site.duration_buckets])
        with exposing(names) as target:
            return len(names), _run(Path(folder), target, seconds)


def _stack(folder: Path, target: str) -> Path:
    stack = folder / "stack.yaml"
    stack.write_text(STACK.format(target=target, queues=", ".join(f"q{n}: " for n in range(QUEUES))))
    return stack


def _run(folder: Path, target: str, seconds: float) -> Costs:
    stage, _ = pipeline.generate(_stack(folder, target), folder / "output")
    port = free_port()
    config = folder / "output/prometheus/prometheus.yml"
    config.write_text(config.read_text().replace("localhost:9090", f"127.0.0.1:{port}"))
    command = ["setpriv", "--pdeathsig", "KILL", str(PROMETHEUS), f"--config.file={config}"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            time.sleep(seconds)
            url = f"http://127.0.0.1:{port}/api/v1"
            groups = {
                f"rules {group['name']}": float(group["evaluationTime"]) for group in _get(f"{url}/rules")["groups"]
            }
            return groups | {f"board {board['uid']}": _asked(url, board) for board in boards(stage.files)}
        finally:
            process.kill()


def _asked(url: str, board: Any) -> float:
    """Seconds for all queries of a dashboard: the best of three."""
    taken = []
    for _ in range(3):
        end = time.time()
        window = {"start": f"{end - _WINDOW}", "end": f"{end}", "step": "15"}
        began = time.perf_counter()
        for _, expr in queries(board):
            _get(f"{url}/query_range", query=expr, **window)
        taken.append(time.perf_counter() - began)
    return min(taken)


def _get(url: str, **parameters: str) -> Any:
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}", timeout=300) as answer:
        return json.load(answer)["data"]


def table(found: Mapping[int, Costs]) -> str:
    """A line for each group and dashboard; behind each time but the first, how often the one before it that is."""
    sizes = sorted(found)
    rows = ["".ljust(24) + "".join(f"{size:,} series".rjust(24) for size in sizes)]
    for name in found[sizes[0]]:
        cells, before = [], 0.0
        for size in sizes:
            now = found[size][name]
            cells.append(f"{now * 1000:.1f} ms" + (f"  x{now / before:<5.1f}" if before else " " * 8))
            before = now
        rows.append(name.ljust(24) + "".join(cell.rjust(24) for cell in cells))
    return "\n".join(rows)


def main() -> int:
    """Prints the table; 3 when there is no Prometheus to measure with."""
    parser = argparse.ArgumentParser(prog="python -m bench.prometheus", description=__doc__)
    parser.add_argument("series", nargs="*", type=int, default=SIZES)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each Prometheus collects")
    options = parser.parse_args()
    if not PROMETHEUS.is_file():
        print(f"{PROMETHEUS} is not there: run `make tools`", file=sys.stderr)
        return 3
    print(table(dict(measure(size, options.seconds) for size in options.series)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
