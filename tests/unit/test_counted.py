"""A count and its noun agree, in the template and in the text that a test expects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackgen.catalog import registry
from stackgen.rules import wording
from tests.logs.stacks import OURS, staged


@pytest.mark.parametrize("name", registry.signals())
def test_no_text_has_a_count_beside_a_plural_that_is_always_there(name: str) -> None:
    signal = registry.signals()[name]
    if signal.unit in ("tasks", "workers", "count"):
        assert not re.search(r"\{value\} (?!of )[a-z]+s\b", f"{signal.summary} {signal.action}")


@pytest.mark.parametrize(
    ("value", "said"), [(1.0, "1 process of w"), (1.4, "1 process of w"), (2.0, "2 processes of w")]
)
def test_one_is_told_as_one(value: float, said: str, tmp_path: Path) -> None:
    plan = staged(tmp_path, OURS).prepared.plan
    lost = next(one for one in plan.alerts if one.signal.alert == "CeleryWorkerProcessLost")
    filled = wording.texts(lost, plan, wording.Fill({"worker": "w"}, value, None))
    assert filled["summary"].startswith(said)


def test_the_template_asks_for_the_number_that_it_prints(tmp_path: Path) -> None:
    plan = staged(tmp_path, OURS).prepared.plan
    lost = next(one for one in plan.alerts if one.signal.alert == "CeleryWorkerProcessLost")
    printed = (
        '{{ $value | printf "%.0f" }} {{ if eq (printf "%.0f" $value) "1" }}process{{ else }}processes{{ end }} of'
    )
    assert wording.texts(lost, plan)["summary"].startswith(printed)


def test_where_the_limit_is_above_one_the_template_asks_nothing(tmp_path: Path) -> None:
    plan = staged(tmp_path, OURS).prepared.plan
    failures = next(one for one in plan.alerts if one.signal.alert == "CeleryTaskFailuresLogged")
    assert '{{ $value | printf "%.0f" }} failures into' in wording.texts(failures, plan)["summary"]
