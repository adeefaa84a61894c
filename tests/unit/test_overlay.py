"""Overlays: the laws of merging, what is said of 40 mistakes, and where every value is said to come from."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from stackgen import pipeline
from stackgen.cli import main
from stackgen.document import Node
from stackgen.overlay import merged, read
from stackgen.problem import SpecError

SPECS = Path(__file__).parents[1] / "specs"
FOLDER = SPECS / "overlays"
MISTAKES = yaml.safe_load((FOLDER / "mistakes.yaml").read_text())
BASE = """\
version: 1
stack: {name: shop, environment: staging}
celery: {app: shop, broker: {kind: redis}}
queues:
  celery: {min_workers: 2}
  mail: {owner: mail}
thresholds:
  queue_length: {warning: 100, critical: 500}
  task_failure_ratio: {critical: {threshold: 30%, for: 8m}}
alerting:
  receivers: {chat: {slack: {api_url_file: /run/slack, channel: "#shop"}}}
  default: chat
"""


def _written(folder: Path, overlay: str, base: str = BASE) -> Path:
    (folder / "stack.yaml").write_text(base)
    path = folder / "stack.production.yaml"
    path.write_text(f"extends: stack.yaml\n{overlay}\n")
    return path


def _data(folder: Path, overlay: str, base: str = BASE) -> dict[str, Any]:
    return read(_written(folder, overlay, base)).data


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case["mistake"])
def test_a_mistake_is_told_at_its_place_in_both_files(
    case: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(FOLDER / "stack.yaml", tmp_path)
    (tmp_path / "stack.production.yaml").write_text(case["overlay"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError) as caught:
        pipeline.stage(Path("stack.production.yaml"))
    assert f"{caught.value}\n" == case["says"]


def test_there_are_forty_mistakes_and_none_in_what_they_extend() -> None:
    assert len({case["overlay"] for case in MISTAKES}) >= 40
    assert pipeline.stage(FOLDER / "stack.yaml").files


# Trees as YAML gives them: mappings, lists, plain values and null.
LEAVES = st.none() | st.integers(0, 3) | st.sampled_from(["a", "b"]) | st.lists(st.integers(0, 3), max_size=2)
TREES = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8),
)


def _node(value: object) -> Node:
    if isinstance(value, dict):
        kids = {key: _node(inner) for key, inner in value.items()}
        return Node(value, 1, 1, kids=kids, keys=dict.fromkeys(kids, (1, 1)))
    if isinstance(value, list):
        return Node(value, 1, 1, kids=[_node(inner) for inner in value])
    return Node(value, 1, 1, str(value))


def _file(value: object, name: str) -> Node:
    return _node(value)._replace(file=name)


def _shuffled(value: object) -> object:
    if not isinstance(value, dict):
        return value
    keys = random.Random(7).sample(list(value), len(value))
    return {key: _shuffled(value[key]) for key in keys}


@given(TREES, TREES, TREES)
def test_merging_is_associative(one: object, two: object, three: object) -> None:
    a, b, c = _file(one, "a"), _file(two, "b"), _file(three, "c")
    assert merged(merged(a, b), c).value == merged(a, merged(b, c)).value


@given(TREES, TREES)
def test_merging_is_idempotent(one: object, two: object) -> None:
    a, b = _file(one, "a"), _file(two, "b")
    assert merged(a, a).value == one
    assert merged(merged(a, b), b).value == merged(a, b).value


@given(TREES, TREES)
def test_the_order_of_keys_does_not_matter(one: object, two: object) -> None:
    plain = merged(_file(one, "a"), _file(two, "b")).value
    assert plain == merged(_file(_shuffled(one), "a"), _file(_shuffled(two), "b")).value


@given(TREES, TREES)
def test_every_value_is_of_the_upper_file_or_else_of_the_lower(one: dict[str, object], two: dict[str, object]) -> None:
    found = merged(_file(one, "a"), _file(two, "b")).value
    for key in {*one, *two}:
        if not (isinstance(one.get(key), dict) and isinstance(two.get(key), dict)):
            assert found[key] == (two if key in two else one)[key]


def test_mappings_merge_and_lists_replace(tmp_path: Path) -> None:
    found = _data(tmp_path, "queues: {celery: {owner: web}}\nsources: [celery-exporter]", BASE + "sources: [redis]\n")
    assert found["queues"] == {"celery": {"min_workers": 2, "owner": "web"}, "mail": {"owner": "mail"}}
    assert found["sources"] == ["celery-exporter"]


def test_null_is_the_default_and_a_name_stays(tmp_path: Path) -> None:
    found = _data(tmp_path, "stack: {environment: null}\nqueues: {celery: {min_workers: }, mail: }\nthresholds: ")
    assert found["stack"] == {"name": "shop"}
    assert found["queues"] == {"celery": {}, "mail": None}
    assert "thresholds" not in found


def test_a_short_form_merges_as_what_it_is_short_for(tmp_path: Path) -> None:
    overlay = "thresholds: {queue_length: {critical: {for: 2m}}, task_failure_ratio: {critical: 40%}}"
    found = _data(tmp_path, f"{overlay}\nalerting: {{default: {{info: nobody}}}}")
    assert found["thresholds"]["queue_length"]["critical"] == {"threshold": 500, "for": "2m"}
    assert found["thresholds"]["task_failure_ratio"]["critical"] == {"threshold": "40%", "for": "8m"}
    assert found["alerting"]["default"] == {"info": "nobody", "warning": "chat", "critical": "chat"}


def test_an_overlay_of_an_overlay(tmp_path: Path) -> None:
    _written(tmp_path, "new: {queues: [bulk]}\nqueues: {bulk: {min_workers: 3}}")
    (tmp_path / "eu").mkdir()
    last = tmp_path / "eu" / "stack.yaml"
    last.write_text("extends: ../stack.production.yaml\nqueues: {bulk: {min_workers: 4}, mail: }\n")
    doc = read(last)
    assert doc.data["queues"] == {"celery": {"min_workers": 2}, "mail": None, "bulk": {"min_workers": 4}}
    assert doc.place(("queues", "bulk", "min_workers")) == (
        f"{last}:2:30, in place of 3 at {tmp_path}/stack.production.yaml:3:30"
    )
    assert doc.origin(("queues", "bulk", "min_workers")) == "queues.bulk.min_workers at stack.yaml:2"
    assert doc.origin(("queues", "celery", "min_workers")) == "queues.celery.min_workers at ../stack.yaml:5"
    assert pipeline.prepare(last).plan.spec.queues["bulk"].min_workers == 4


def test_what_several_stacks_share_needs_no_queues_and_no_names(tmp_path: Path) -> None:
    shared = "version: 1\nsources: [celery-exporter]\nstack: {owner: web}\n"
    own = "stack: {name: shop}\ncelery: {app: shop, broker: {kind: redis}}\nqueues: {celery: }\ntasks: {shop.a: }"
    assert pipeline.prepare(_written(tmp_path, own, shared)).plan.spec.stack.owner == "web"
    with pytest.raises(SpecError, match=r"what this file extends \(.*stack.yaml:2:1\) has no source 'redis'"):
        pipeline.prepare(_written(tmp_path, f"{own}\nsources: [celery-exporter, redis]", shared))


def test_a_secret_in_the_base_is_refused_although_it_is_covered(tmp_path: Path) -> None:
    base = BASE.replace("kind: redis}", "kind: redis, url_env: 'redis://u:hunter2@host'}")
    with pytest.raises(SpecError) as caught:
        pipeline.prepare(_written(tmp_path, "celery: {broker: {url_env: BROKER}}", base))
    assert [(p.mark.file, p.mark.line, p.rule) for p in caught.value.problems] == [
        (str(tmp_path / "stack.yaml"), 3, "secret")
    ]
    assert "hunter2" not in str(caught.value)


def test_what_the_base_cannot_be_read_for_is_told_at_the_base(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        pipeline.prepare(_written(tmp_path, "stack: {owner: web}", BASE + "stack: {name: other}\n"))
    assert [(p.mark.file, p.rule) for p in caught.value.problems] == [(str(tmp_path / "stack.yaml"), "duplicate-key")]


def test_two_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    path = _written(tmp_path, "", "extends: stack.production.yaml\n")
    with pytest.raises(SpecError, match="ends up extending itself"):
        read(path)


def test_the_plan_and_explain_name_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path, "thresholds: {queue_length: {critical: 800}}")
    monkeypatch.chdir(tmp_path)
    plan = json.loads(pipeline.stage(Path("stack.production.yaml")).files["plan.json"])
    origins = plan["alerts"]["queue_length/critical"]["origins"]
    assert origins["threshold"] == "thresholds.queue_length.critical.threshold at stack.production.yaml:2"
    assert plan["alerts"]["queue_length/warning"]["origins"]["threshold"].endswith(" at stack.yaml:8")
    said = CliRunner().invoke(main, ["explain", "queue_length", "--stack", "stack.production.yaml"]).stdout
    assert "set     threshold at stack.production.yaml:2:39, in place of 500 at stack.yaml:8:42" in said
    assert "set     threshold at stack.yaml:8:27\n" in said


def test_a_change_of_either_file_makes_the_output_stale(tmp_path: Path) -> None:
    path, output = _written(tmp_path, "stack: {owner: web}"), tmp_path / "output"
    arguments = ["check", "--fast", "--stack", str(path), "--output", str(output)]
    pipeline.generate(path, output)
    assert CliRunner().invoke(main, arguments).exit_code == 0
    (tmp_path / "stack.yaml").write_text(BASE + "# more\n")
    assert CliRunner().invoke(main, arguments).exit_code == 1


def test_diff_says_what_is_different_between_two_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path, "stack: {environment: production}\nthresholds: {queue_length: {critical: 800}}")
    monkeypatch.chdir(tmp_path)
    arguments = ["diff", "--stack", "stack.production.yaml", "--against", "stack.yaml"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "CeleryQueueBacklog critical 500 → 800",
        "every alert label environment staging → production",
    ]
    assert CliRunner().invoke(main, [*arguments[:3], "--against", "stack.production.yaml"]).exit_code == 0
