"""Every generated LogQL is LogQL, by Grafana's own grammar; and what it selects is there, by our own check."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import quote_plus

import pytest
import yaml

from stackgen import pipeline
from stackgen.catalog.logs import logql
from stackgen.catalog.logs.line import ACTION, ERROR_TYPE, TASK
from stackgen.catalog.logs.log_filter import LogFilter, happened
from stackgen.render.quote import as_json
from tests.grafana.queries import concrete
from tests.logs import grammar
from tests.logs import selection as check
from tests.logs.stacks import HOSTILE_NAMES, OURS, RULES, STACK, THEIRS, made, queries, rules

HOSTILE = (
    "ignore: {tasks: [" + ", ".join(as_json(n if "*" in n else f"{n}*") for n in HOSTILE_NAMES) + "]}\n"
    "thresholds: {log_failures: {critical: 500}}\n"
)
SPECS = sorted((Path(__file__).parents[1] / "specs/valid").glob("*.yaml"))


@pytest.mark.promtool
@pytest.mark.parametrize(
    ("logs", "more"), [(OURS, ""), (THEIRS, ""), (OURS, HOSTILE)], ids=["ours", "theirs", "hostile"]
)
def test_every_query_is_logql(logs: str, more: str, tmp_path: Path) -> None:
    found = dict(queries(made(tmp_path, logs, more)))
    assert {"rule CeleryLogsMissing", "grafana/dashboards/celery-tasks.json: Log Lines of the Chosen Tasks"} <= set(
        found
    )
    assert {where: faults for where, expr in found.items() if (faults := grammar.faults(concrete(expr)))} == {}


@pytest.mark.promtool
@pytest.mark.parametrize("spec", [*SPECS, Path(__file__).parents[2] / "stack.yaml"], ids=lambda path: path.stem)
def test_every_query_of_every_valid_stack_is_logql(spec: Path) -> None:
    found = list(queries(pipeline.stage(spec).files))
    assert [(where, expr) for where, expr in found if grammar.faults(concrete(expr))] == []


@pytest.mark.promtool
@pytest.mark.parametrize(
    "broken",
    [
        '{service_name="shop"',
        '{service_name="shop"} | action="task-failed',
        '{service_name="shop"} | action=task-failed',
        'sum by task (count_over_time({service_name="shop"} [10m])) > 100',
        'sum by (task) (count_over_time({service_name="shop"} | action="task-failed")) > 100',
        'sum(absent_over_time({service_name="shop"} [15 minutes]))',
        'histogram_quantile(0.9, {service_name="shop"})',
        "{}",
    ],
)
def test_the_grammar_refuses_what_is_broken(broken: str) -> None:
    assert grammar.faults(broken)


@pytest.mark.promtool
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_any_name_is_a_text_of_logql(name: str) -> None:
    question = LogFilter(((TASK, (name,)), (ERROR_TYPE, (name[::-1],))), (TASK,))
    expr = logql.count(question, logql.stream(name, "x"), 600)
    assert grammar.faults(expr) == []
    assert list(check.wrong(expr)) == []


GOOD = logql.count(happened("failed", by=(TASK,)), logql.stream("shop", "x"), 600)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("service_name", "service", "streams have environment, service_name"),
        (',environment="x"', "", "streams have environment, service_name"),
        ("| action=", "| event_action=", "no line has | event_action"),
        ("| action=", "| json | action=", "no line has | json"),
        ("by (task)", "by (task_name)", "no line has task_name"),
        ("))", ")", "not closed"),
        ('"x"', '"x', "not closed"),
        ('{service_name="shop",environment="x"}', "x", "selects no stream"),
    ],
)
def test_what_nothing_carries_is_found(old: str, new: str, said: str) -> None:
    assert list(check.wrong(GOOD)) == []
    assert old in GOOD
    assert any(said in message for message in check.wrong(GOOD.replace(old, new, 1)))


def test_an_alert_may_only_name_labels_that_it_has(tmp_path: Path) -> None:
    text = made(tmp_path)[RULES]
    assert check.problems({RULES: text}, [RULES]) == []
    broken = text.replace("$labels.task", "$labels.tsk", 1)
    assert "its texts name" in check.problems({RULES: broken}, [RULES])[0].message


def test_what_a_question_asks_for_is_beside_every_line() -> None:
    assert logql.lines(LogFilter(((ACTION, ('a"b',)),)), "{}") == '{} | action="a\\"b"'


@pytest.mark.promtool
def test_prometheus_fills_in_the_texts_of_hostile_alerts(tmp_path: Path, promtool: Path) -> None:
    """The ruler is Prometheus's own code but for the language: there the value is a series of that name."""
    owners = "".join(f"  {as_json(name)}: {{owner: {as_json(name[::-1])}}}\n" for name in HOSTILE_NAMES)
    stack = tmp_path / "stack.yaml"
    text = STACK.partition("tasks:")[0].replace("pre-prod", "x, owner: 'p\"q'")
    stack.write_text(f"{text}tasks:\n{owners}logs: {OURS}\noutputs: [logs]\n", encoding="utf-8")
    rule = next(r for r in rules(pipeline.stage(stack).files) if r["alert"] == "CeleryTaskFailuresLogged")
    names = {name: name[::-1] for name in HOSTILE_NAMES} | {"other": 'p"q'}
    (tmp_path / "rules.yml").write_text(
        json.dumps({"groups": [{"name": "g", "rules": [{**rule, "expr": "logged > 100"}]}]})
    )
    expected = [_expected(rule, name, owner) for name, owner in names.items()]
    series = [{"series": f"logged{{task={as_json(name)}}}", "values": "101x5"} for name in names]
    case = {"interval": "1m", "input_series": series}
    alert = {"eval_time": "1m", "alertname": rule["alert"], "exp_alerts": expected}
    (tmp_path / "tests.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [{**case, "alert_rule_test": [alert]}]})
    )
    done = subprocess.run(
        [promtool, "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _expected(rule: dict[str, dict[str, str]], name: str, owner: str) -> dict[str, object]:
    texts = {
        key: text.replace("{{ $labels.task }}", name)
        .replace('{{ $value | printf "%.0f" }}', "101")
        .replace('{{ if eq (printf "%.0f" $value) "1" }}failure{{ else }}failures{{ end }}', "failures")
        .replace("{{ $labels.task | urlquery }}", quote_plus(name))
        for key, text in rule["annotations"].items()
    }
    return {"exp_labels": {**rule["labels"], "owner": owner, "task": name}, "exp_annotations": texts}
