"""What real programs and our own judges find in output/ is told at the line of stack.yaml that caused it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackgen import pipeline, verify
from stackgen.problem import Mark, Problem
from stackgen.verify.origin import at_origin
from stackgen.verify.subject import Subject

STACK = """\
version: 1
stack: {name: shop}
celery: {app: shop, broker: {kind: redis}}
queues:
  mail:
    thresholds: {queue_length: {critical: 7001}}
  "odd \\"name\\"":
tasks:
  shop.pay: {period: 1h}
thresholds:
  task_retry_ratio: {warning: 13%}
sources: [celery-exporter, redis]
alerting:
  receivers:
    oncall: {webhook: {url: "http://hook"}}
  default: {critical: oncall}
compose:
  services:
    grafana: {image: "mirror.example.com/grafana"}
"""

LINES = {
    "queues.mail.thresholds.queue_length.critical": (6, 43),
    "queues.mail": (5, 3),
    "queues.'odd \"name\"'": (7, 3),
    "tasks.'shop.pay'.period": (9, 22),
    "thresholds.task_retry_ratio.warning": (11, 31),
    "alerting": (13, 1),
    "alerting.receivers.oncall": (15, 5),
    "compose.services.grafana.image": (19, 22),
}


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A small stack, written."""
    folder = tmp_path_factory.mktemp("origin")
    (folder / "stack.yaml").write_text(STACK)
    made, _ = pipeline.generate(folder / "stack.yaml", folder / "output")
    return Subject(made.prepared.plan, made.prepared.document, made.rendered, folder / "output")


def _broken(subject: Subject, path: str, old: str, new: str) -> set[tuple[str, str, int, int]]:
    """Rule and place of all that is said of output/ after one change in it, which is undone."""
    file = subject.output / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    found = list(verify.problems("written", subject))
    file.write_text(text)
    assert all(str(subject.output) in p.message for p in found)
    return {(p.rule, p.where, p.mark.line, p.mark.column) for p in found}


@pytest.mark.promtool
@pytest.mark.parametrize(
    ("path", "change", "rule", "where"),
    [
        ("prometheus/rules/celery-queues-shop-production.yml", ("vector(7001)", "vector(7002)"), "promtool-rule-tests",
         "queues.mail.thresholds.queue_length.critical"),
        ("prometheus/rules/celery-tasks-shop-production.yml", ("> 0.13", "> 0.14"), "promtool-rule-tests",
         "thresholds.task_retry_ratio.warning"),
        ("alertmanager/alertmanager.yml", ('severity="critical"', 'severity="crit"'), "amtool-routes-test",
         "alerting.receivers.oncall"),
        ("alertmanager/alertmanager.yml", ("group_wait: 30s", "group_wait: 30x"), "amtool-check-config", "alerting"),
    ],
)  # fmt: skip
def test_what_a_program_says_of_output_stands_at_its_cause(
    subject: Subject, path: str, change: tuple[str, str], rule: str, where: str
) -> None:
    assert (rule, where, *LINES[where]) in _broken(subject, path, *change)


def _told(subject: Subject, path: str, message: str, where: str = "") -> Problem:
    return at_origin(Problem(Mark(path), "some-rule", where, message), subject)


@pytest.mark.parametrize(
    ("path", "where", "message", "origin"),
    [
        ("prometheus/rules/celery-queues-shop-production.yml", "CeleryQueueBacklog (critical)", 'a text prints "mail"',
         "queues.mail.thresholds.queue_length.critical"),
        ("prometheus/rules/celery-queues-shop-production.yml", "CeleryQueueBacklog (warning)", 'a text prints "mail"',
         "queues.mail"),
        ("prometheus/tests/queue_length.yml", "", r'got: {queue="odd \"name\""}', "queues.'odd \"name\"'"),
        ("docs/alerts.md", "templates/docs/alerts.md.j2", "lost: 'odd \"name\"'", "queues.'odd \"name\"'"),
        ("prometheus/tests/task_overdue.yml", "task_overdue", 'got: {task="shop.pay"}', "tasks.'shop.pay'.period"),
        ("prometheus/rules/celery-tasks-shop-production.yml", "CeleryHighRetryRate", "",
         "thresholds.task_retry_ratio.warning"),
        ("docker-compose.yml", "", "bad image mirror.example.com/grafana", "compose.services.grafana.image"),
    ],
)  # fmt: skip
def test_names_and_values_in_a_finding_lead_to_their_place(
    subject: Subject, path: str, where: str, message: str, origin: str
) -> None:
    found = _told(subject, path, message, where)
    assert found.where == origin
    assert found.mark == Mark(subject.document.file, *LINES[origin])
    assert found.message.startswith(f"{subject.output / path}: ")


def test_a_name_within_another_word_is_not_taken_for_it(subject: Subject) -> None:
    for word in ("mail.send", "voicemail", "mail_length", "mail/x"):
        assert _told(subject, "prometheus/rules/celery-tasks-shop-production.yml", f"bad {word}").where == ""


def test_what_no_word_explains_stays_at_the_generated_file(subject: Subject) -> None:
    path = "grafana/dashboards/celery-queues.json"
    assert _told(subject, path, "not JSON").mark.file == str(subject.output / path)


@pytest.mark.parametrize("file", ["stack.yaml", "output/prometheus/rules/mine.yml", "output"])
def test_what_speaks_of_other_files_is_left_as_it_is(subject: Subject, file: str) -> None:
    said = Problem(Mark(file, 3, 1), "some-rule", "mail", 'queue="mail"')
    assert at_origin(said, subject) == said


def test_a_value_that_is_lost_while_rendering_is_told_at_its_place(subject: Subject) -> None:
    def without(text: str) -> str:
        return text.replace("shop.pay", "shop.buy")

    rendered = [replace(one, text=without(one.text)) for one in subject.rendered if one.artefact.path == "plan.json"]
    found = list(verify.problems("files", replace(subject, rendered=tuple(rendered))))
    assert [(p.rule, p.where) for p in found if p.rule == "output-lost-value"] == [
        ("output-lost-value", "tasks.'shop.pay'")
    ]
