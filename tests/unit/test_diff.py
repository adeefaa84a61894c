"""What a changed stack.yaml is said to change: one line a cause, for every kind of change."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from stackgen import pipeline
from stackgen.diff.compare import compare
from stackgen.diff.words import render

STACK = """\
version: 1
stack: {name: shop}
celery:
  app: shop
  broker: {kind: redis}
queues:
  celery:
  priority:
sources: [celery-exporter]
"""

KINDS = ("prometheus/", "exporters/", "alertmanager/")
"""What has a reader of its own."""

Files = Callable[[str], dict[str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """What a stack.yaml renders to; the same text is rendered once."""
    folder = tmp_path_factory.mktemp("stacks")
    known: dict[str, dict[str, str]] = {}

    def made(text: str) -> dict[str, str]:
        if text not in known:
            stack = folder / "stack.yaml"
            stack.write_text(text)
            made = pipeline.stage(stack).files
            known[text] = {path: text for path, text in made.items() if path.startswith(KINDS)}
        return known[text]

    return made


def _lines(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """The lines that name a change, without the closing one."""
    found = render(compare(old, new), "text").splitlines()
    return [line for line in found if not line.startswith("and ")]


def _thresholds(text: str) -> str:
    return f"{STACK}thresholds:\n  {text}\n"


def _queue(text: str) -> str:
    return STACK.replace("  priority:\n", f"  priority: {text}\n")


CASES = [
    (STACK, _thresholds("queue_length: {critical: 8000}"), ["CeleryQueueBacklog critical 5000 → 8000"]),
    (STACK, _thresholds("task_failure_ratio: {critical: 30%}"), ["CeleryHighFailureRate critical 20% → 30%"]),
    (STACK, _thresholds("queue_growth: {warning: 20/s}"), ["CeleryQueueGrowing warning 10/s → 20/s"]),
    (
        STACK,
        _queue("{thresholds: {queue_length: {critical: 8000}}}"),
        ["CeleryQueueBacklog[priority] critical 5000 → 8000"],
    ),
    (
        _queue("{thresholds: {queue_length: {critical: 7000}}}"),
        _queue("{thresholds: {queue_length: {critical: 8000}}}"),
        ["CeleryQueueBacklog[priority] critical 7000 → 8000"],
    ),
    (
        _queue("{thresholds: {queue_length: {critical: 8000}}}"),
        STACK,
        ["CeleryQueueBacklog[priority] critical 8000 → 5000"],
    ),
    (
        _queue("{thresholds: {queue_length: {critical: 8000}}}"),
        _queue("{thresholds: {queue_length: {critical: 8000}}}") + "thresholds: {queue_length: {critical: 6000}}\n",
        ["CeleryQueueBacklog critical 5000 → 6000"],
    ),
    (STACK, _thresholds("queue_length: {for: 15m}"), ["CeleryQueueBacklog for 10m → 15m"]),
    (
        STACK,
        _thresholds("queue_length: {warning: {for: 15m}}"),
        ["CeleryQueueBacklog warning for 10m → 15m"],
    ),
    (
        STACK,
        _thresholds("queue_length: {keep_firing_for: 5m}"),
        ["CeleryQueueBacklog keeps firing 0s → 5m"],
    ),
    (STACK, _thresholds("task_failure_ratio: {min_tasks: 50}"), ["CeleryHighFailureRate min_tasks 20 → 50"]),
    # So many tasks make the guard on failures needless: that is no second cause.
    (STACK, _thresholds("task_failure_ratio: {min_tasks: 500}"), ["CeleryHighFailureRate min_tasks 20 → 500"]),
    (
        STACK,
        STACK.replace("  priority:\n", "  priority:\n  dead: {role: dead_letter}\n"),
        ["CeleryDeadLetters: new alert (warning above 100 for 5m)"],
    ),
    (
        _thresholds("queue_length: {warning: 1000}"),
        _thresholds("queue_length: {enabled: false}"),
        ["CeleryQueueBacklog: removed"],
    ),
    (
        STACK,
        _thresholds("queue_growth: {critical: 50/s}"),
        ["CeleryQueueGrowing critical: now pages (above 50/s for 10m)"],
    ),
    (
        STACK,
        _thresholds("queue_length: {critical: never}"),
        ["CeleryQueueBacklog critical: no longer pages (above 5000 for 10m)"],
    ),
    (STACK, STACK.replace("{name: shop}", "{name: shop, owner: sre}"), ["every alert owner platform → sre"]),
    (STACK, _queue("{owner: payments}"), ["queue priority owner platform → payments"]),
    (
        STACK,
        STACK.replace("{name: shop}", "{name: shop, labels: {team: red}}"),
        ["every alert label team none → red"],
    ),
    (STACK, STACK + "prometheus: {scrape_interval: 15s}\n", ["scrape_interval 30s → 15s"]),
    # The bridge over a missed scrape becomes longer in every recorded series.
    (STACK, STACK + "prometheus: {scrape_interval: 1m}\n", ["scrape_interval 30s → 1m"]),
    (STACK, STACK + "prometheus: {evaluation_interval: 15s}\n", ["evaluation_interval 30s → 15s"]),
    (
        STACK,
        STACK + "links: {grafana: 'https://graphs.example.com'}\n",
        ["every alert dashboard_url http://localhost:3000 → https://graphs.example.com"],
    ),
    (
        STACK,
        STACK + "tasks: {report: {period: 1h}}\n",
        ["CeleryTaskOverdue: new alert (warning above its own limit (report 1h))"],
    ),
    (
        STACK,
        _thresholds("task_duration_p95: {warning: 7200s}"),
        ["CelerySlowTasks warning 5m → 2h", "celery-exporter --buckets: +7200 +14400"],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), CASES, ids=[" and ".join(case[2]) for case in CASES])
def test_one_cause_is_one_line(files: Files, old: str, new: str, expected: list[str]) -> None:
    found = _lines(files(old), files(new))
    known = [line for line in found if "--queues" not in line and "expression changed" not in line]
    assert known == expected


def test_nothing_changes(files: Files) -> None:
    assert not compare(files(STACK), files(STACK))


def test_tests_are_counted_not_listed(files: Files) -> None:
    text = render(compare(files(STACK), files(_thresholds("queue_length: {critical: 8000}"))), "text")
    assert text.endswith("and 1 file that follows from it: prometheus/tests/queue_length.yml\n")


def test_a_new_source_is_a_job_an_exporter_and_its_alerts(files: Files) -> None:
    found = _lines(files(STACK), files(STACK.replace("[celery-exporter]", "[celery-exporter, redis]")))
    assert found == [
        "CeleryBrokerDown: new alert, pages (critical below 1 for 1m)",
        "exporter redis: new (oliver006/redis_exporter:v1.88.0-alpine)",
        "scrape job redis-exporter: new (redis-exporter:9121)",
        "recorded series celery:broker_up:max: new",
    ]


def test_changes_that_wake_people_come_first(files: Files) -> None:
    new = _thresholds("queue_length: {warning: 2000, critical: 8000}\n  worker_uptime: {info: 6m}")
    new = new.replace("[celery-exporter]", "[celery-exporter, worker]") + "prometheus: {scrape_interval: 15s}\n"
    old = STACK.replace("[celery-exporter]", "[celery-exporter, worker]")
    assert _lines(files(old), files(new)) == [
        "CeleryQueueBacklog critical 5000 → 8000",
        "CeleryQueueBacklog warning 1000 → 2000",
        "CeleryWorkerRestarted info 5m → 6m",
        "scrape_interval 30s → 15s",
    ]


QUEUES = "prometheus/rules/celery-queues.yml"


def _edited(before: dict[str, str], path: str, old: str, new: str) -> dict[str, str]:
    assert old in before[path]
    return {**before, path: before[path].replace(old, new)}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("then add workers or slow", "then slow", "CeleryQueueBacklog: text changed"),
        (
            "celery:queue_length:max > 5000",
            "celery:queue_length:sum > 5000",
            "CeleryQueueBacklog critical: expression changed (celery:queue_length:max → celery:queue_length:sum)",
        ),
        (
            "record: celery:queue_growth:deriv5m",
            "record: celery:queue_growth:deriv9m",
            "recorded series celery:queue_growth:deriv9m: new",
        ),
        (
            "deriv(celery:queue_length:max[5m])",
            "deriv(celery:queue_length:max[9m])",
            "recorded series celery:queue_growth:deriv5m: expression changed (5m → 9m)",
        ),
    ],
)
def test_what_no_setting_changes_is_told_too(files: Files, old: str, new: str, line: str) -> None:
    before = files(STACK)
    assert line in _lines(before, _edited(before, QUEUES, old, new))


def test_a_comment_is_no_change_of_meaning(files: Files) -> None:
    before = files(STACK)
    found = compare(before, _edited(before, QUEUES, "# Queue growth rate.", "# How fast."))
    assert render(found, "text").startswith("no setting changes; 1 file with other comments")


def test_markdown_shows_hostile_names_as_they_are(files: Files) -> None:
    new = STACK + '  "a|`b<script>": {thresholds: {queue_length: {critical: 8000}}}\n'
    new = new.replace("sources: [celery-exporter]\n", "") + "sources: [celery-exporter]\n"
    table = render(compare(files(STACK), files(new)), "markdown")
    assert "| critical | CeleryQueueBacklog\\[a\\|\\`b\\<script\\>\\] | `5000` | `8000` |" in table


def test_json_is_a_list_of_changes(files: Files) -> None:
    found = json.loads(render(compare(files(STACK), files(_thresholds("queue_length: {critical: 8000}"))), "json"))
    assert found == [
        {
            "subject": "CeleryQueueBacklog",
            "aspect": "threshold",
            "before": "5000",
            "after": "8000",
            "severity": "critical",
            "files": [QUEUES],
            "text": "CeleryQueueBacklog critical 5000 → 8000",
        }
    ]
