"""plan.json: documented to the last key, in one order, one fact a line, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from stackgen.emitters import always, docs
from stackgen.pipeline import prepare, stage
from stackgen.render.environment import render
from stackgen.resolve import plan_file
from stackgen.resolve.plan import Plan
from stackgen.resolve.plan_model import PlanFile
from stackgen.verify.files import reparse
from tests.hostile.specs import Spec, specs
from tests.hostile.test_hostile import SETTINGS, accepted

REPOSITORY = Path(__file__).resolve().parents[2]
STACKS = [REPOSITORY / "stack.yaml", *sorted((REPOSITORY / "tests" / "specs" / "valid").glob("*.yaml"))]
SMALL = """\
version: 1
stack: {name: shop}
celery: {app: shop, broker: {kind: redis}}
queues: {celery: }
"""
SECRET = "hunter2-is-a-secret"
RECEIVERS = """\
    pager: {pagerduty: {routing_key_file: FOLDER/secret}}
    chat: {slack: {api_url_file: FOLDER/secret, channel: "#a"}}
    mail: {email: {to: a@b.c, from: d@e.f, smarthost: "mx:25", username: me, password_file: FOLDER/secret}}
    hook: {webhook: {url_file: FOLDER/secret}}
    team: {msteamsv2: {webhook_url_file: FOLDER/secret}}
    genie: {opsgenie: {api_key_file: FOLDER/secret}}
"""


def _text(plan: Plan) -> str:
    made = render(always(plan)[0])
    assert reparse.of_file(made) == []
    return made.text


def _made(folder: Path, text: str) -> str:
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    return _text(prepare(folder / "stack.yaml").plan)


@pytest.mark.parametrize("stack", STACKS, ids=lambda path: path.stem)
def test_every_key_is_documented_and_of_the_type_that_is_said(stack: Path) -> None:
    text = _text(prepare(stack).plan)
    assert PlanFile.model_validate_json(text).model_dump(mode="json", by_alias=True) == json.loads(text)


def test_the_page_names_exactly_the_keys_of_the_file(tmp_path: Path) -> None:
    plan = prepare(REPOSITORY / "stack.yaml").plan
    page = next(render(one).text for one in docs.artefacts(plan) if one.path == "docs/plan.md")
    data = json.loads(_text(plan))
    places: dict[str, Any] = {
        "the whole file": data,
        "stack": data["stack"],
        "alerts.<name>": data["alerts"]["queue_length/critical"],
        "off.<name>": next(iter(data["off"].values())),
        "queues.<name>": data["queues"]["celery"],
        "sources.<name>": data["sources"]["redis"],
        "series.<name>": data["series"]["celery:queue_length:max"],
        "routes": data["routes"],
        "routes.default": data["routes"]["default"],
        "timing.<name>": data["timing"]["critical"],
    }
    sections = {part.partition("`\n")[0]: part for part in page.split("\n## `")[1:]}
    assert set(sections) == {*places, "tasks.<name>", "mute_times.<name>"}
    for title, record in places.items():
        rows = [line.split("`")[1] for line in sections[title].splitlines() if line.startswith("| `")]
        assert rows == list(record), title


def test_no_secret_gets_in_though_its_file_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    receivers = RECEIVERS.replace("FOLDER", str(tmp_path))
    logs = f"logs: {{shippers: [alloy], loki: {{url: 'https://l:1', token_file: {tmp_path}/secret}}}}\n"
    broker = SMALL.replace("{kind: redis}", f"{{kind: redis, url_file: {tmp_path}/secret}}")
    text = _made(tmp_path, f"{broker}{logs}alerting:\n  receivers:\n{receivers}  default: pager\n")
    assert text.count(f"{tmp_path}/secret") == 8
    assert SECRET not in text
    assert list(json.loads(text)["receivers"]["mail"]["email"]) == [
        "to",
        "from",
        "smarthost",
        "username",
        "password_file",
        "require_tls",
    ]


@SETTINGS
@given(spec=specs())
def test_hostile_names_are_read_back_and_every_key_is_known(spec: Spec) -> None:
    plan = accepted(spec)
    if plan is not None:
        text = _text(plan)
        PlanFile.model_validate_json(text)
        assert list(json.loads(text)["queues"]) == list(plan.spec.queues)


def test_one_fact_is_one_line(tmp_path: Path) -> None:
    text = _made(tmp_path, SMALL)
    lines = [line.strip().rstrip(",") for line in text.splitlines()]
    assert all(line in "{}[]" or line.count('": ') <= 1 for line in lines)
    changed = _made(tmp_path, f"{SMALL}thresholds: {{queue_length: {{critical: 8000}}}}\n")
    assert _moved(text, changed) == [
        '- "condition": "above 5000 for 10m"',
        '+ "condition": "above 8000 for 10m"',
        '- "threshold": 5000',
        '+ "threshold": 8000',
        '- "threshold": "guide, \\"Critical Alerts\\""',
        '+ "threshold": "thresholds.queue_length.critical.threshold"',
    ]


def test_what_is_added_moves_nothing_else(tmp_path: Path) -> None:
    before = _made(tmp_path, SMALL)
    after = _made(tmp_path, SMALL.replace("{celery: }", "{celery: , bulk: {owner: data}}"))
    assert [line for line in _moved(before, after) if line.startswith("-")] == []
    assert _made(tmp_path, SMALL) == before


def _moved(old: str, new: str) -> list[str]:
    """Lines that come and go, without the comma at their end."""
    before, after = ([line.rstrip(",") for line in text.splitlines()] for text in (old, new))
    return [f"{line[0]} {line[2:].strip()}" for line in ndiff(before, after) if line[0] in "+-"]


def test_it_is_written_whatever_outputs_says(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(f"{SMALL}outputs: [schema]\n")
    assert set(stage(tmp_path / "stack.yaml").files) == {
        plan_file.PATH,
        ".gitattributes",
        ".gitignore",
        "schema/stack.schema.json",
    }


def test_numbers_come_with_their_place_and_alerts_with_who_is_told(tmp_path: Path) -> None:
    data = json.loads((REPOSITORY / "output" / plan_file.PATH).read_text(encoding="utf-8"))
    alert = data["alerts"]["task_failure_ratio/critical"]
    assert (alert["threshold"], alert["unit"], alert["receiver"]) == (0.2, "ratio", "oncall")
    assert alert["guards"] == {"min_tasks": 20, "min_failures": 5}
    assert alert["origins"]["for"] == "thresholds.task_failure_ratio.for"
    assert data["alerts"]["watchdog/info"]["receiver"] == "deadman"
    used = {name for alert in data["alerts"].values() for name in alert["series"]}
    assert used <= set(data["series"])
    assert set(_all(data["alerts"], "silenced_by")) >= {"CeleryBrokerDown", "CeleryQueueBacklog at critical"}


def _all(alerts: dict[str, Any], key: str) -> Iterator[str]:
    return (one for alert in alerts.values() for one in alert[key])
