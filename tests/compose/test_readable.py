"""Files that a container's user could not read are seen before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackgen import pipeline

STACK = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: {}}
"""


@pytest.mark.parametrize(
    ("closed", "mode", "expected"),
    [
        ("alertmanager/alertmanager.yml", 0o600, {"the user 65534:65534 of the service alertmanager cannot read it"}),
        ("prometheus/rules", 0o744, {"the user 65534:65534 of the service prometheus cannot read it"}),
        (".secrets/grafana_admin_password", 0o600, {"the user 472:0 of the service grafana cannot read it"}),
        ("docs/alerts.md", 0o600, set[str]()),
    ],
)
def test_what_a_service_cannot_read_is_told(closed: str, mode: int, expected: set[str], tmp_path: Path) -> None:
    stack, output = tmp_path / "stack.yaml", tmp_path / "output"
    stack.write_text(STACK, encoding="utf-8")
    pipeline.generate(stack, output)
    pipeline.secret_files(stack, output, placeholders=True)
    (output / closed).chmod(mode)
    if closed.startswith(".secrets"):
        (output / closed).parent.chmod(0o700)
    _, found = pipeline.check(stack, output)
    told = {problem.message: problem.level for problem in found if problem.rule == "unreadable"}
    assert told == dict.fromkeys(expected, "warning")
    doctor = [one.what for one in pipeline.doctor(stack, output) if one.rule == "unreadable-file"]
    assert doctor == [f"{output / closed}: {reason}" for reason in expected]
