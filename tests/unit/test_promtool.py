"""promtool's findings as Problems, by the real promtool."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen.problem import Problem, ToolMissing
from stackgen.verify.written import promtool as subject

GOOD = 'groups: [{name: g, rules: [{alert: A, expr: "b > 1"}]}]\n'
TEST = """\
rule_files: [../rules/g.yml]
tests:
  - name: case
    interval: 1m
    input_series: [{series: b, values: "VALUEx5"}]
    alert_rule_test: [{eval_time: 3m, alertname: A, exp_alerts: [{exp_labels: {}}]}]
"""


@pytest.fixture
def output(tmp_path: Path, promtool: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An output folder with good rules, judged by one version of promtool."""
    monkeypatch.setenv("STACKGEN_PROMTOOL", str(promtool))
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "rules" / "g.yml").write_text(GOOD)
    for n in range(4):
        (tmp_path / "tests" / f"signal{n}.yml").write_text(TEST.replace("VALUE", "2"))
    return tmp_path


def _tests(output: Path) -> list[Problem]:
    return subject.asked(output, {"rule-tests": [f"tests/signal{n}.yml" for n in range(4)]})


@pytest.mark.promtool
def test_good_files_have_no_problems(output: Path) -> None:
    (output / "prometheus.yml").write_text("rule_files: [rules/*.yml]\n")
    assert subject.asked(output, {"rules": ["rules/g.yml"], "prometheus-config": ["prometheus.yml"]}) == []
    assert _tests(output) == []


@pytest.mark.promtool
def test_a_failing_test_names_its_signal(output: Path) -> None:
    (output / "tests" / "signal2.yml").write_text(TEST.replace("VALUE", "1"))
    (found,) = _tests(output)
    assert (found.mark.file, found.rule, found.where) == ("tests/signal2.yml", "promtool-rule-tests", "signal2")
    assert "alertname: A, time: 3m" in found.message
    assert found.message.endswith("(exit code 1)")
    assert found.hint == "in output/: promtool test rules tests/signal2.yml"


@pytest.mark.promtool
def test_a_rule_that_is_no_promql_is_shown_with_promtools_words(output: Path) -> None:
    (output / "rules" / "bad.yml").write_text(GOOD.replace("b > 1", "sum(b"))
    (found,) = subject.asked(output, {"rules": ["rules/bad.yml", "rules/g.yml"]})
    assert found.mark.file == "rules/bad.yml"
    assert "unclosed left parenthesis" in found.message


@pytest.mark.promtool
def test_a_doubled_rule_is_fatal(output: Path) -> None:
    rule = "{record: a, expr: b}"
    (output / "rules" / "bad.yml").write_text(f"groups: [{{name: g, rules: [{rule}, {rule}]}}]\n")
    (found,) = subject.asked(output, {"rules": ["rules/bad.yml"]})
    assert "duplicate rule" in found.message


@pytest.mark.promtool
def test_a_bad_configuration_is_found(output: Path) -> None:
    (output / "prometheus.yml").write_text("scrape_configs: [{job_name: x, foo: 1}]\n")
    (found,) = subject.asked(output, {"prometheus-config": ["prometheus.yml"]})
    assert (found.rule, "field foo not found" in found.message) == ("promtool-prometheus-config", True)


@pytest.mark.promtool
def test_a_file_that_is_not_there_is_a_problem(output: Path) -> None:
    (found,) = subject.asked(output, {"rules": ["rules/none.yml"]})
    assert found.mark.file == "rules/none.yml"


def test_without_promtool_the_run_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKGEN_PROMTOOL", str(tmp_path / "none"))
    with pytest.raises(ToolMissing, match="STACKGEN_PROMTOOL"):
        subject.asked(tmp_path, {})
