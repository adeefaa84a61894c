"""Non-interference: the generated tests of one stack pass with the rules and any series of another beside them.

The two share names of jobs, queues, tasks and workers, Prometheus and Alertmanager; their targets are their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stackgen.catalog import promql
from stackgen.verify import tools
from tests.belonging import stacks
from tests.conftest import PROMTOOLS

OURS = ("prometheus", "alertmanager")
"""Jobs that both stacks look at, since there is one of each."""
PAIRS = 2
EVERY = 4
"""One case in so many is asked: promtool evaluates the rules of both stacks for each."""

_LIMITS = st.sampled_from(["", "{thresholds: {queue_length: {warning: 7}}}", "{owner: others, min_workers: 2}"])
_COPIES = st.sampled_from(["{cluster: [eu, us]}", "{cluster: }", "{}"])
_FAILS = "{a.b: {thresholds: {task_failure_ratio: {warning: 1%}}}}"
_TASKS = st.sampled_from(["{}", "{app.tasks.any: {period: 1h}}", _FAILS])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two stacks: other names or other environments, the same or other brokers, queues and tasks, copies or none."""
    first = draw(st.sampled_from([("shop", "production"), ("shop-eu", "production"), ("shop", "eu-production")]))
    second = draw(st.sampled_from([("shop", "staging"), ("shop", "eu"), ("billing", "production")]))
    return draw(_stack(*first, "a")), draw(_stack(*second, "b"))


@st.composite
def _stack(draw: st.DrawFn, name: str, environment: str, host: str) -> str:
    kind = draw(st.sampled_from(["redis", "rabbitmq"]))
    queues = {"celery": draw(_LIMITS), "mail": draw(_LIMITS), "dead": "{role: dead_letter}"}
    chosen = ["celery-exporter", kind, *draw(st.sets(st.sampled_from(["worker", "probe"]), max_size=2))]
    copies = draw(_COPIES)
    told = (
        f'targets: ["file:/{host}.json"], labels: {{{{host: {host}}}}}' if copies != "{}" else 'targets: ["{}.{}:9000"]'
    )
    sources = ", ".join(f"{{name: {one}, {told.format(one, host)}}}" for one in sorted(chosen))
    return f"""
version: 1
stack: {{name: {name}, environment: {environment}, copies: {copies}}}
celery: {{app: app, broker: {{kind: {kind}}}}}
queues: {{{", ".join(f"{queue}: {limits}" for queue, limits in queues.items())}}}
tasks: {draw(_TASKS)}
sources: [{sources}]
"""


@pytest.mark.promtool
@settings(max_examples=PAIRS, phases=[Phase.generate])
@given(pair=pairs())
def test_generated_tests_pass_beside_another_stack(
    pair: tuple[str, str], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    one, other = (stacks.files(text, folder / name) for text, name in zip(pair, ("one", "other"), strict=True))
    ours, others = stacks.rules(one, folder), stacks.rules(other, folder)
    assert not set(ours) & set(others)
    beside = [case for file in stacks.tests(other).values() for case in file["tests"]]
    written = []
    for number, (signal, file) in enumerate(stacks.tests(one).items()):
        cases = [_beside(case, beside[(number * 7 + at) % len(beside)]) for at, case in enumerate(file["tests"])]
        cases = cases[number % EVERY :: EVERY]
        loaded = [*(Path(path).name for path in file["rule_files"]), *others]
        merged = {**file, "rule_files": loaded, "tests": cases}
        (folder / f"{signal}.yml").write_text(yaml.safe_dump(merged), encoding="utf-8")
        written.append(f"{signal}.yml")

    promtool = repository / ".tools" / PROMTOOLS["promtool-3"] / "usr/bin/promtool"
    done = tools.run(promtool, "test", "rules", *written, cwd=folder)

    assert done.code == 0, done.err + done.out


def _beside(case: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The case with the series of a case of the other stack; texts are compared by labels, as names are shared."""
    own = case["input_series"] or ()
    fed = {one["series"] for one in own}
    foreign = [s for s in other["input_series"] or () if s["series"] not in fed and not _common(s["series"])]
    asked = [query for text in case.get("alert_rule_test") or () for query in _by_labels(text)]
    return {
        **{key: value for key, value in case.items() if key != "alert_rule_test"},
        "input_series": [*own, *foreign],
        "promql_expr_test": [*(case.get("promql_expr_test") or ()), *asked],
    }


def _common(series: str) -> bool:
    """Whether the one Prometheus or Alertmanager says it, of itself and not of rules."""
    return any(f'job="{job}"' in series for job in OURS) and "rule_group=" not in series


def _by_labels(text: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The alerts that must fire, as a question to ALERTS about this stack."""
    found = []
    for alert in text.get("exp_alerts") or ():
        labels = {**alert["exp_labels"], "alertname": text["alertname"], "alertstate": "firing"}
        matchers = ",".join(f"{name}={promql.text(str(value))}" for name, value in labels.items())
        sample = {"labels": "{}", "value": 1}
        found.append({"expr": f"count(ALERTS{{{matchers}}})", "eval_time": text["eval_time"], "exp_samples": [sample]})
    return found


def test_names_of_two_stacks_never_meet(tmp_path: Path) -> None:
    """Files, groups, ids, titles and projects, of stacks whose parts are joined alike."""
    from stackgen.pipeline import stage

    met: set[str] = set()
    for number, (name, environment) in enumerate([("shop", "eu-production"), ("shop-eu", "production")]):
        stack = tmp_path / f"{number}.yaml"
        text = (
            stacks.SHOP.replace("name: shop", f"name: {name}, environment: {environment}")
            + "logs: {shippers: [alloy]}\n"
        )
        stack.write_text(text, encoding="utf-8")
        made = stage(stack).files
        boards = [json.loads(text) for path, text in made.items() if path.startswith("grafana/dashboards/")]
        groups = [yaml.safe_load(text)["groups"] for path, text in made.items() if "/rules/" in path]
        provided = yaml.safe_load(made["grafana/provisioning/datasources/celery.yml"])["datasources"]
        (provider,) = yaml.safe_load(made["grafana/provisioning/dashboards/celery.yml"])["providers"]
        names = {path for path in made if "/rules/" in path}
        names |= {group["name"] for listed in groups for group in listed}
        names |= {board[key] for board in boards for key in ("uid", "title")}
        names |= {source[key] for source in provided for key in ("uid", "name")}
        names |= {provider[key] for key in ("name", "folder", "folderUid")}
        names |= {yaml.safe_load(made["docker-compose.yml"])["name"]}
        assert len(names) > 20
        assert not names & met
        assert all(len(board["uid"]) <= 40 for board in boards)
        met |= names
