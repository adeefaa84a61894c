"""The situations of cases.yaml as a promtool file against the rules of a stack with celery-exporter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from stackgen.catalog import promql
from stackgen.catalog.series import FINAL, STATES, TASK_DURATION_BUCKET, TASKS, TASKS_NEW, Series
from stackgen.catalog.sources.celery_exporter import JOB
from stackgen.catalog.sources.celery_exporter_metrics import ENDED, RUNTIME
from tests.mutation.judge import rendered

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
STACK = """\
version: 1
stack: {{name: shop, owner: platform}}
celery: {{app: shop, broker: {{kind: redis}}}}
queues: {{celery: }}
sources: [celery-exporter]
thresholds: {{task_duration_p95: {{warning: 10s}}}}
prometheus: {{scrape_interval: 30s, evaluation_interval: {evaluation}s, slow_interval: {slow}s}}
"""
SCRAPE = 30
_LEAD = 8
"""Scrapes before all others, at which everything is as at the first: nothing is new of what is not old yet."""
_END = "52m"
"""When what was counted last is seen by every evaluation."""
_EXACT = 1e-6


def rules(stack: Path, series: Series) -> str:
    """Those of the stack's rules that record this series; all others only cost time."""
    groups = []
    for path, text in rendered(stack).items():
        for group in yaml.safe_load(text)["groups"] if path.startswith("prometheus/rules/") else ():
            kept = [rule for rule in group["rules"] if rule.get("record") == series.name]
            groups += [{**group, "rules": kept}] if kept else []
    return yaml.safe_dump({"groups": groups}, width=1000, sort_keys=False)


def promtool_file(series: Series, interval: int) -> str:
    """Every question about a series, each case with a task and targets of its own; only a wrong count is an answer."""
    test = {
        "interval": f"{SCRAPE}s",
        "input_series": [{"series": name, "values": values} for case in CASES for name, values in _fed(case)],
        "promql_expr_test": [
            {"expr": expr, "eval_time": moment, "exp_samples": []}
            for case in CASES
            for expr, moment in _asked(case, series, interval)
        ],
    }
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": f"{interval}s", "tests": [test]}
    return yaml.safe_dump(whole, width=1000, sort_keys=False)


def _fed(case: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    about = case["about"]
    for instance, values in case.get("up", {"e0": "1x80"}).items():
        yield _series("up", instance=f"{instance}, {about}"), _led(values)
    for who, values in case.get("counts", {}).items():
        for state, metric in ENDED.items():
            raised = {"exception": "ValueError"} if state == "FAILURE" else {}
            yield _series(metric.name, **_host(who, about), **raised), _led(values)
    for who, values in case.get("failures", {}).items():
        host, _, raised = who.partition(" ")
        yield _series(ENDED["FAILURE"].name, **_host(host, about), exception=raised), _led(values)
    for who, values in case.get("buckets", {}).items():
        host, _, bound = who.partition(" le=")
        yield _series(f"{RUNTIME.name}_bucket", **_host(host, about), le=bound), _led(values)


def _led(values: str) -> str:
    """The values after the lead, and the last of them some times more."""
    first = re.split("[x+ ]", values)[0]
    last = re.fullmatch(r"(\d+)(?:\+(\d+))?x(\d+)", values.rsplit(maxsplit=1)[-1])
    tail = f" {int(last[1]) + int(last[2] or 0) * int(last[3])}x{_LEAD}" if last else ""
    return f"{first}x{_LEAD if first == '_' else _LEAD - 1} {values}{tail}"


def _host(who: str, about: str) -> dict[str, str]:
    """`h1`, `other h1`, `h1@e1`."""
    other, _, host = who.rpartition(" ")
    host, _, instance = host.partition("@")
    task = f"{other} than {about}" if other else about
    return {"instance": f"{instance or 'e0'}, {about}", "name": task, "hostname": host, "queue_name": "celery"}


def _series(metric: str, **labels: str) -> str:
    return promql.select(metric, *promql.exactly({"job": JOB, **labels}))


def _asked(case: Mapping[str, Any], series: Series, interval: int) -> Iterator[tuple[str, str]]:
    task = {"task": case["about"]}
    if series is TASKS_NEW and "new" in case:
        every = promql.select(series.name, *promql.exactly(task))
        yield _wrong(f"sum_over_time({every}[1h])", len(FINAL), case["new"]), _END
    for key in [key for key in case if key.startswith("says")]:
        labels = dict([key.removeprefix("says ").split("=")]) if key != "says" else {}
        if series is (TASK_DURATION_BUCKET if "le" in labels else TASKS):
            counted = promql.select(series.name, *promql.exactly({**task, **labels}))
            for moment, right in case[key].items():
                if _seconds(moment) % interval == 0:
                    yield _wrong(counted, 1 if labels else len(STATES), right), f"{_seconds(moment) + _LEAD * SCRAPE}s"


def _seconds(moment: str) -> int:
    minutes, _, seconds = moment.removesuffix("s").partition("m")
    return int(minutes) * 60 + int(seconds or 0)


def _wrong(series: str, number: int, right: float | list[float]) -> str:
    least, most = right if isinstance(right, list) else (right - _EXACT, right + _EXACT)
    wrong = f"{series} < {least} or {series} > {most}"
    return wrong if least <= 0 else f"{wrong} or (count({series}) or vector(0)) != {number}"
