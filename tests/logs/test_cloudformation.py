"""The CloudFormation template against AWS's own schemas, as cfn-lint has them; it is started once for all files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.emitters.logs.cloudwatch import TEMPLATE

STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
outputs: [logs]
"""
TOPIC = "arn:aws:sns:eu-central-1:123456789012:celery"
GOOD = {
    "plain": "logs: {shippers: [cloudwatch]}",
    "everything said": "logs: {shippers: [cloudwatch], cloudwatch: {region: eu-central-1, log_group: a/b#c, "
    f"namespace: 'a:b', retention_days: 3653, alarm_topic: '{TOPIC}'}}}}\nthresholds: {{log_failures: {{info: 1, "
    "warning: 2, critical: 2.5, for: 1h}, log_silence: {critical: 23h}}",
    "nothing judged": "logs: {shippers: [cloudwatch]}\nthresholds: {log_failures: {enabled: false}, log_unregistered: "
    "{enabled: false}, log_worker_lost: {enabled: false}, log_silence: {enabled: false}}",
}
BAD = {
    "a retention that does not exist": ("RetentionInDays: 30", "RetentionInDays: 31", "E3030"),
    "a misspelled option": ("MetricValue", "MetricValues", "E3002"),
    "a group that is not there": ("{Ref: LogGroup}", "{Ref: LogGroups}", "E1020"),
    "a comparison that does not exist": ("LessThanThreshold", "SmallerThanThreshold", "E3030"),
    "a number that is none": ("Threshold: 100", "Threshold: many", "E3012"),
    "a dimension without a name": ("{Key: task, Value: ", "{Value: ", "E3003"),
    "a resource that does not exist": ("AWS::Logs::MetricFilter", "AWS::Logs::Filter", "E3006"),
}


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The rules that cfn-lint says are broken, by name of the template."""
    folder = tmp_path_factory.mktemp("cloudformation")
    texts = {}
    for name, more in GOOD.items():
        (folder / "stack.yaml").write_text(f"{STACK}{more}\n", encoding="utf-8")
        texts[name] = pipeline.stage(folder / "stack.yaml").files[TEMPLATE]
    for name, (old, new, _) in BAD.items():
        assert old in texts["plain"]
        texts[name] = texts["plain"].replace(old, new, 1)
    for number, text in enumerate(texts.values()):
        (folder / f"{number}.template").write_text(text, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", "--include-checks", "I", "--"]
    files = [f"{number}.template" for number in range(len(texts))]
    done = subprocess.run([*command, *files], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.startswith("["), done.stderr
    rules: defaultdict[str, set[str]] = defaultdict(set)
    names = dict(zip(files, texts, strict=True))
    for one in json.loads(done.stdout):
        rules[names[one["Filename"]]].add(one["Rule"]["Id"])
    return rules


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_nothing_is_wrong_with_what_is_made(name: str, found: dict[str, set[str]]) -> None:
    assert found.get(name, set()) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_a_wrong_template_is_refused(name: str, found: dict[str, set[str]]) -> None:
    assert BAD[name][2] in found[name]
