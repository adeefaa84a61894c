"""Under enforcedNamespaceLabel the operator writes the namespace into every selector and rule: nothing else changes.

It stands at the stack's own matcher here, which every selector of ours has (tests/laws/test_belonging.py).
"""

from __future__ import annotations

from pathlib import Path

import promql_parser
import pytest
import yaml

from stackgen import pipeline
from stackgen.verify import lints
from stackgen.verify.written import promtool
from tests.kubernetes.teams import STACKS, named

pytestmark = [pytest.mark.promtool, pytest.mark.slow]

STACK = next(path for path in STACKS if named(path) == "kube-prometheus-stack/stack.yaml")
OURS, ENFORCED = 'stack="shop"', 'namespace="shop",stack="shop"'


def test_the_generated_tests_pass_with_the_namespace_in_every_selector(tmp_path: Path) -> None:
    files = pipeline.stage(STACK).files
    tests = [path for path in files if path.startswith("prometheus/tests/")]
    for path in (*tests, *(path for path in files if path.startswith("prometheus/rules/"))):
        data = yaml.safe_load(files[path].replace(OURS, ENFORCED))
        for rule in [rule for group in data.get("groups", ()) for rule in group["rules"]]:
            rule["labels"] = {**rule.get("labels", {}), "namespace": "shop"}
            _all_have_it(rule["expr"])
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(yaml.safe_dump(data), encoding="utf-8")
    assert len(tests) > 20
    assert promtool.asked(tmp_path, {"rule-tests": tests}) == []


def _all_have_it(expr: str) -> None:
    """The operator would have written it into every selector; none was missed."""
    nodes = [node for node in lints.walk(promql_parser.parse(expr)) if isinstance(node, promql_parser.VectorSelector)]
    assert [str(node) for node in nodes if 'namespace="shop"' not in str(node)] == []
