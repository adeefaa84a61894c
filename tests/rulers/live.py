"""`python -m tests.rulers.live`: a real Celery system, judged by Prometheus and by vmalert at once.

All workers are killed and a queue is flooded. Both must say the same alerts, at most two evaluations apart. What
evaluated when is read from ALERTS, which both write.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from stackgen import pipeline
from tests.live import acts, prepare
from tests.live.chapters import CHAPTERS
from tests.live.cluster import WORKERS, Cluster
from tests.live.inbox import listening
from tests.live.processes import LOOPBACK, answers, free_ports
from tests.live.run import WATCHDOG, say

TOOLS = Path(__file__).resolve().parents[2] / ".tools/victoria-metrics/usr/bin"
WANTED = {"CeleryNoWorkersRunning", "CeleryQueueBacklog"}
EVALUATION = 30
"""Seconds between two, as by default: in tests/live/stack.yaml it is 10 s, of which vmalert's steps are 2 s."""
MOST = 2
"""Evaluations that one may be later than the other."""
EXPLAINED = {"CeleryLowSuccessRate", "CeleryQueueStuck"}
"""What only one of them may say while the exporter is new: tests/rulers/births.yaml shows why."""
_NEW_SECONDS = 300.0 + 20 + MOST * EVALUATION
"""How long births are told apart: the window of the rules, the longest hold of these, and what may be between them."""
_QUIET_SECONDS = 60.0
_PATIENCE_SECONDS = 300.0
Fired = Mapping[tuple[str, str, str], float]
"""When each alert fired first, by its name, severity and subject; seconds since the epoch."""


def main() -> int:
    """The exit code."""
    with tempfile.TemporaryDirectory(prefix="stackgen-rulers-") as name:
        cluster = prepare.prepared(Path(name), CHAPTERS[0], short=True)
        _generated(cluster)
        victoria = f"http://{LOOPBACK}:{free_ports(1)[0]}"
        try:
            with listening(cluster.ports["hook"]):
                started = time.time()
                cluster.start()
                _start(cluster, victoria)
                return _prove(cluster, victoria, started)
        finally:
            cluster.programs.kill_all()


def _generated(cluster: Cluster) -> None:
    """The stack once more, with vmalert's file and longer intervals."""
    stack = cluster.folder / "stack.yaml"
    text = stack.read_text().replace("outputs: [", "outputs: [vmalert, ")
    stack.write_text(text.replace("evaluation_interval: 10s", f"evaluation_interval: {EVALUATION}s"))
    pipeline.generate(stack, cluster.folder / "output", force=True)
    prepare.move(cluster.folder, cluster.ports)


def _start(cluster: Cluster, victoria: str) -> None:
    """VictoriaMetrics, which scrapes the same targets, and vmalert with the file that was generated for it."""
    folder = cluster.folder
    config = yaml.safe_load((folder / "output/prometheus/prometheus.yml").read_text())
    kept = {"global": {"scrape_interval": "10s"}, "scrape_configs": config["scrape_configs"]}
    (folder / "victoria.yml").write_text(yaml.safe_dump(kept))
    address = victoria.removeprefix("http://")
    command = [str(TOOLS / "victoria-metrics"), f"-httpListenAddr={address}", f"-storageDataPath={folder}/victoria"]
    command += [f"-promscrape.config={folder}/victoria.yml"]
    cluster.programs.start("victoria-metrics", command)
    cluster.programs.wait("victoria-metrics", partial(answers, f"{victoria}/health"))
    command = [str(TOOLS / "vmalert"), f"-rule={folder}/output/vmalert/rules.yml", "-disableAlertgroupLabel"]
    command += [f"-{what}.url={victoria}" for what in ("datasource", "remoteWrite", "remoteRead")]
    command += ["-notifier.blackhole", f"-httpListenAddr={LOOPBACK}:{free_ports(1)[0]}"]
    cluster.programs.start("vmalert", command)


def _prove(cluster: Cluster, victoria: str, started: float) -> int:
    acts.warm_up(cluster)
    time.sleep(_QUIET_SECONDS)
    began, second = time.time(), 0
    say("killing every worker, flooding a queue")
    for worker in WORKERS:
        cluster.programs.kill(worker)
    rulers = {"Prometheus": cluster.prometheus, "vmalert": victoria}
    while time.time() < began + _PATIENCE_SECONDS:
        acts.flood(cluster, second)
        second += 1
        cluster.programs.check()
        if all({name for name, *_ in _fired(url, began)} >= WANTED for url in rulers.values()):
            break
        time.sleep(1)
    time.sleep(MOST * EVALUATION + EVALUATION)
    return _compared(_fired(cluster.prometheus, began), _fired(victoria, began), began, started)


def _compared(prometheus: Fired, vmalert: Fired, began: float, started: float) -> int:
    old = time.time() - MOST * EVALUATION  # what is younger may still come

    def explained(name: str, fired: float) -> bool:
        return name in EXPLAINED and fired < started + _NEW_SECONDS

    only = [("Prometheus", key, prometheus[key]) for key in prometheus.keys() - vmalert.keys() if prometheus[key] < old]
    only += [("vmalert", key, vmalert[key]) for key in vmalert.keys() - prometheus.keys()]
    wrong = [f"only of {who}: {key}" for who, key, fired in only if not explained(key[0], fired)]
    wrong += [f"not told: {name}" for name in WANTED - {name for name, *_ in prometheus}]
    print("ALERT".ljust(60), "PROMETHEUS", "VMALERT", "EVALUATIONS LATER")
    for key in sorted(prometheus.keys() & vmalert.keys()):
        late = (vmalert[key] - prometheus[key]) / EVALUATION
        row = (f"{prometheus[key] - began:.0f} s".rjust(10), f"{vmalert[key] - began:.0f} s".rjust(7))
        print(" ".join(part for part in key if part).ljust(60), *row, f"{late:+.1f}".rjust(17))
        wrong += [f"{late:+.1f} evaluations apart: {key}"] if abs(late) > MOST else []
    print(*wrong, sep="\n")
    print(f"rulers: {len(prometheus)} alerts of Prometheus, {len(vmalert)} of vmalert; {len(wrong)} findings")
    return 1 if wrong else 0


def _fired(url: str, began: float) -> Fired:
    """Every alert that fired since then, but the watchdog."""
    found: dict[tuple[str, str, str], float] = {}
    asked = {"query": f'ALERTS{{alertstate="firing",alertname!="{WATCHDOG}"}}', "start": began, "end": time.time()}
    for series in _get(f"{url}/api/v1/query_range", {**asked, "step": 1})["result"]:
        labels = series["metric"]
        subject = next((labels[name] for name in ("queue", "task", "worker", "source") if name in labels), "")
        key = (labels["alertname"], labels["severity"], subject)
        first = float(series["values"][0][0])
        found[key] = min(first, found.get(key, first))
    return found


def _get(url: str, parameters: Mapping[str, object]) -> Any:
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
        return json.load(answer)["data"]


if __name__ == "__main__":
    sys.exit(main())
