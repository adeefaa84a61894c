"""What `explain` and `list` say of small stacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from stackgen import pipeline
from stackgen.catalog import registry
from stackgen.cli import main
from stackgen.explain import about, find, listing, terminal, timing, words
from stackgen.problem import SpecError
from stackgen.resolve.plan import Plan

STACK = """\
version: 1
stack: {name: shop}
celery:
  app: shop
  broker: {kind: redis}
queues:
  celery:
  priority: {thresholds: {queue_length: {critical: 8000}}}
sources: [celery-exporter, redis]
"""


def _plan(folder: Path, text: str = STACK) -> Plan:
    stack = folder / "stack.yaml"
    stack.write_text(text)
    return pipeline.prepare(stack).plan


def _text(name: str, plan: Plan) -> str:
    """The explanation with single spaces, so that no claim depends on where a line breaks."""
    return " ".join("\n".join(words.text(about.explain(one, plan)) for one in find.signals(name)).split())


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("queue_length", 'critical fires when "Queue depth" is above 5000 tasks for a queue, without a break for 10m'),
        ("queue_length", "except priority 8000"),
        ("queue_length", "Mind: Messages that workers have prefetched are not counted."),
        ("queue_length", "about 11m when all turns bad at once: 30s scrape + 30s evaluation + 10m for"),
        ("queue_length", "silent in Alertmanager while the same alert is critical"),
        ("queue_stuck", "in Alertmanager while CeleryExporterDown fires for celery-exporter"),
        (
            "queue_length",
            'signal="queue_length", severity="critical", queue="priority"',
        ),
        ("queue_length", "Tests prometheus/tests/queue_length.yml"),
        ("task_failure_ratio", "only with at least 20 tasks (min_tasks) and 5 failures (min_failures) in 10m"),
        ("task_retry_ratio", "5 retries (min_failures)"),
        ("queue_drain_time", "only with at least 50 waiting tasks (min_tasks)"),
        ("task_success_ratio", "silent while CeleryHighFailureRate fires"),
        ("broker_down", "1m30s until the last good scrape is forgotten"),
        ("watchdog", "fires always"),
        ("watchdog", "never: its silence is the alarm"),
        (
            "workers_active",
            "heartbeats, by the source celery-exporter yes a worker sent an event within the last 60 s no the exporter",
        ),
        ("workers_active", "One yes is enough; no is believed when all that are heard say it."),
        ("source_blind", "About celery_active_worker_count of celery-exporter: Blind meanwhile: CeleryQueueWithout"),
        ("source_blind", "above 0 for a thing that is missing"),
        ("worker_cpu", "State off: no listed source measures it add source worker"),
    ],
)
def test_an_explanation_says(tmp_path: Path, name: str, claim: str) -> None:
    assert claim in _text(name, _plan(tmp_path))


def test_an_alert_of_two_signals_explains_both(tmp_path: Path) -> None:
    text = _text("CeleryWorkersMissing", _plan(tmp_path))
    assert "queue_workers · CeleryWorkersMissing" in text
    assert "workers_missing · CeleryWorkersMissing" in text


@pytest.mark.parametrize(
    ("name", "hint"),
    [("queue_lenght", "did you mean 'queue_length'?"), ("celeryqueuebacklog", "did you mean 'CeleryQueueBacklog'?")],
)
def test_an_unknown_name_gets_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(SpecError) as error:
        find.signals(name)
    assert error.value.problems[0].hint == f"{hint} `stackgen list` shows all"


def test_rules_stand_after_what_they_read(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    for signal in plan.metric_signals:
        seen: set[str] = set()
        recorded = about.explain(signal, plan).recorded
        later = {rule.record for rule in recorded}
        for rule in recorded:
            reads = {name for name in later if name in rule.expr} - {rule.record}
            assert reads <= seen
            seen.add(rule.record)


def test_everything_in_the_catalogue_can_be_explained(tmp_path: Path, repository: Path) -> None:
    stacks = [STACK, (repository / "stack.yaml").read_text()]
    for plan in (_plan(tmp_path, text) for text in stacks):
        for signal in registry.signals().values():
            one = about.explain(signal, plan)
            assert words.text(one)
            assert json.dumps(words.as_json(one))


def test_many_overrides_are_counted(tmp_path: Path) -> None:
    queues = "".join(f"  q{n}: {{thresholds: {{queue_length: {{critical: 8000}}}}}}\n" for n in range(30))
    text = _text("queue_length", _plan(tmp_path, STACK.replace("  celery:\n", f"  celery:\n{queues}")))
    assert "and 11 more" in text


def test_the_parts_of_the_time_are_its_sum(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    alert = next(a for a in plan.alerts if (a.signal.id, a.severity) == ("task_failure_ratio", "critical"))
    parts = timing.parts(alert, plan)
    assert [int(part.seconds) for part in parts] == [120, 30, 30, 300]
    assert timing.total(parts) == 480


def test_names_cannot_move_the_cursor(tmp_path: Path) -> None:
    name = '"a\\tb\\u202e"'
    text = STACK.replace("priority:", f"{name}:")
    shown = words.text(about.explain(registry.signals()["queue_length"], _plan(tmp_path, text)))
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_the_list_has_every_signal_once(tmp_path: Path) -> None:
    signals, sources = listing.tables(_plan(tmp_path))
    assert sorted(row[0] for row in signals.rows) == sorted(registry.signals())
    assert [row[0] for row in sources.rows][:2] == ["celery-exporter", "redis"]


def test_the_list_says_why_a_signal_is_off(tmp_path: Path) -> None:
    rows = {row[0]: row for row in listing.tables(_plan(tmp_path))[0].rows}
    assert rows["worker_cpu"][2:4] == ("off", "–")
    assert rows["worker_cpu"][4].startswith("never: no listed source measures it; add source worker")
    assert rows["queue_length"][4] == (
        "critical above 5000 for 10m (1 queue with a limit of its own), warning above 1000 for 10m"
    )


def test_the_plain_list_is_aligned_and_never_cut(tmp_path: Path) -> None:
    text = terminal.plain(listing.tables(_plan(tmp_path)))
    head, first = text.splitlines()[1:3]
    assert head.index("ALERT") == first.index("Celery")
    assert max(map(len, text.splitlines())) > 100
    assert all(char.isprintable() or char == "\n" for char in text)


def test_for_a_person_no_line_of_the_list_is_wider_than_the_terminal(tmp_path: Path) -> None:
    text = terminal.stacked(listing.tables(_plan(tmp_path)), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) < 160
    assert "queue_length · CeleryQueueBacklog · on · celery-exporter, redis\n      critical above" in text


def test_an_explanation_wraps_at_the_terminal_but_not_within_promql(tmp_path: Path) -> None:
    for one in (about.explain(signal, _plan(tmp_path)) for signal in registry.signals().values()):
        wide = [line for line in words.text(one, 80).splitlines() if len(line) > 80]
        assert [line for line in wide if not line.startswith(" " * 6) and " " in line.strip()] == []


def test_the_list_as_json(tmp_path: Path) -> None:
    found = listing.as_json(_plan(tmp_path))
    by_id = {row["id"]: row for row in json.loads(json.dumps(found))["signals"]}
    assert by_id["queue_length"]["severities"]["critical"] == {
        "threshold": "5000",
        "for_seconds": 600.0,
        "keep_firing_for_seconds": 0.0,
        "overrides": 1,
    }
    assert by_id["worker_cpu"]["state"] == "off"


MANY = """\
version: 1
stack: {name: saas}
celery: {app: saas, broker: {kind: redis}}
queues:
  celery:
  tenant-1: {owner: first}
  tenant-*: {owner: tenants, min_workers: 2, thresholds: {queue_length: {warning: 50}}}
  tenant-vip-*:
tasks:
  celery: {period: 1h}
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tenant-1", "queue tenant-1 · has an entry of its own (stack.yaml:6:3) owner first"),
        ("tenant-2", "queue tenant-2 · meant by the pattern tenant-* (stack.yaml:7:3) owner tenants"),
        ("tenant-2", "limits queue_length: warning 50 queue_workers: warning 2 All else"),
        ("tenant-vip-2", "meant by the pattern tenant-vip-* (stack.yaml:8:3) owner platform All else"),
        ("celery", "queue celery · has an entry of its own (stack.yaml:5:3)"),
        (
            "celery",
            "task celery · has an entry of its own (stack.yaml:10:3) owner platform limits task_overdue: warning 1h",
        ),
    ],
)
def test_which_entry_means_a_queue_or_task(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stack.yaml").write_text(MANY)

    plain = CliRunner().invoke(main, ["explain", name])
    data = CliRunner().invoke(main, ["explain", name, "--format", "json"])

    assert said in " ".join(plain.stdout.split())
    assert {one["name"] for one in json.loads(data.stdout)} == {name}


def test_a_name_that_nothing_means_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stack.yaml").write_text(MANY)

    done = CliRunner().invoke(main, ["explain", "mail"])

    assert (done.exit_code, done.stdout) == (1, "")
    assert "no entry of stack.yaml means such a queue or task" in done.stderr
