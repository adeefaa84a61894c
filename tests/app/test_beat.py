"""What beat's endpoint says, with real beats and each scheduler; and when entries are due, by Celery's own clocks."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import redis
from celery import Celery  # type: ignore[import-untyped]
from celery.beat import ScheduleEntry  # type: ignore[import-untyped]
from celery.schedules import crontab, schedule  # type: ignore[import-untyped]

from stackgen.app.parts.schedule import Planned, Schedule, schedule_due
from tests.app.beats import SCHEDULERS, Beat, beat, django, write_beat
from tests.app.cluster import until
from tests.app.workers import worker
from tests.flower.redis_server import free_port

LATE = "celery_beat_entry_late_seconds"
DUE = "celery_beat_entry_due_timestamp_seconds"
SENT = "celery_beat_entry_sent_total"
FRIDAY = datetime(2026, 11, 27, 8, tzinfo=ZoneInfo("Europe/Berlin"))


def _planned(when: object, last: datetime, now: datetime, zone: str = "Europe/Berlin") -> tuple[str, float | None]:
    app = Celery("proj", set_as_current=False)
    app.conf.timezone = zone
    when.app, when.nowfun = app, lambda: now  # type: ignore[attr-defined]
    due, period = schedule_due(ScheduleEntry("e", "t", last, 1, when, app=app), now.timestamp())
    return ("never" if due is None else f"{datetime.fromtimestamp(due, ZoneInfo(zone)):%a %H:%M:%S}"), period


def test_a_report_of_weekdays_is_due_on_monday_all_weekend() -> None:
    report = crontab(minute=0, hour=7, day_of_week="mon-fri")
    for hours in (0, 20, 40, 60):
        assert _planned(report, FRIDAY, FRIDAY + timedelta(hours=hours)) == ("Mon 07:00:00", 86_400)


@pytest.mark.parametrize(
    ("last", "hour", "due"),
    [
        ("2026-03-28T07:00:01", 7, "2026-03-29T07:00:00+02:00"),  # a night of 23 hours
        ("2026-10-24T07:00:01", 7, "2026-10-25T07:00:00+01:00"),  # one of 25
        ("2026-03-28T02:00:01", 2, "2026-03-29T03:00:00+02:00"),  # an hour that there is not that day
        ("2026-10-24T02:00:01", 2, "2026-10-25T02:00:00+02:00"),  # one that there is twice
    ],
)
def test_a_daily_report_is_due_once_across_the_change_of_the_clocks(last: str, hour: int, due: str) -> None:
    app, zone = Celery("proj", set_as_current=False), ZoneInfo("Europe/Berlin")
    app.conf.timezone = zone.key
    sent, expected = datetime.fromisoformat(last).replace(tzinfo=zone), datetime.fromisoformat(due).timestamp()
    for now in range(int(sent.timestamp()), int(expected) + 7200, 1800):
        daily = crontab(minute=0, hour=hour, nowfun=partial(datetime.fromtimestamp, now, zone), app=app)
        entry = ScheduleEntry("e", "t", sent, 1, daily, app=app)
        planned = Planned("t", daily, *schedule_due(entry, now), None)
        assert (planned.due, planned.late(now, None)) == (expected, max(0, now - expected))


def test_an_interval_is_due_after_its_last_run() -> None:
    assert _planned(schedule(timedelta(hours=1)), FRIDAY, FRIDAY + timedelta(minutes=90)) == ("Fri 09:00:00", 3600)


def test_what_runs_once_is_never_due_again() -> None:
    entry = SimpleNamespace(one_off=True, total_run_count=1, last_run_at=FRIDAY, schedule=None)
    assert schedule_due(entry, FRIDAY.timestamp()) == (None, None)


def test_an_entry_that_was_passed_over_stays_late_until_it_is_sent() -> None:
    app = Celery("proj", set_as_current=False)
    hourly, now = schedule(timedelta(hours=1), app=app), time.time()
    entry = ScheduleEntry("e", "t", datetime.fromtimestamp(now - 10, ZoneInfo("UTC")), 1, hourly, app=app)
    read = Schedule(SimpleNamespace(app=app, schedule={"e": entry})).read
    before = {"e": Planned("t", hourly, now - 300, 3600.0, None)}
    passed = read(before, {})
    assert passed["e"].late(now, None) == 300
    sent = read(before, {"e": now - 299})
    assert sent["e"].late(now, now - 299) == 0
    assert read({"e": Planned("t", schedule(60), now - 300, 60.0, None)}, {})["e"].late(now, None) == 0, "rescheduled"


@pytest.mark.slow
@pytest.mark.parametrize("kept", SCHEDULERS)
def test_beat_tells_what_it_sent_and_what_is_due(broker: str, tmp_path: Path, kept: str) -> None:
    write_beat(tmp_path)
    with beat(tmp_path, broker, kept) as one:
        one.wait(SENT, "tick", 3)
        assert {"tick", "report", "refused"} <= set(one.of(SENT))
        assert one.of(SENT)["report"] == 0
        due = datetime.fromtimestamp(one.of(DUE)["report"], ZoneInfo("UTC"))
        assert (due.hour, due.minute, due.second) == (7, 0, 0)
        assert due.weekday() < 5
        assert one.of(LATE)["report"] == 0
        assert one.of("celery_beat_entry_last_sent_timestamp_seconds")["tick"] <= time.time()
        assert one.get("/livez")[0] == 200


@pytest.mark.slow
def test_an_entry_that_cannot_be_sent_is_late_and_the_others_go_on(broker: str, tmp_path: Path) -> None:
    write_beat(tmp_path)
    with beat(tmp_path, broker) as one:
        one.wait(LATE, "refused", 4)
        assert one.of(SENT)["refused"] == 0
        one.wait(SENT, "tick", 3)


@pytest.mark.slow
def test_a_broker_that_does_not_answer_stops_the_clock_and_not_the_endpoint(broker: str, tmp_path: Path) -> None:
    write_beat(tmp_path)
    with beat(tmp_path, broker) as one, redis.Redis.from_url(broker) as client:
        one.wait(SENT, "tick", 1)
        client.client_pause(12_000)
        late = ("celery_beat_tick_late_seconds", frozenset[tuple[str, str]]())
        until(lambda: one.samples()[late] > 2, lambda: one.get()[1])
        until(lambda: one.samples()[late] == 0, lambda: one.get()[1])


@pytest.mark.slow
def test_a_changed_schedule_is_seen_without_a_restart(broker: str, tmp_path: Path) -> None:
    write_beat(tmp_path)
    with beat(tmp_path, broker, "django") as one:
        one.wait(SENT, "tick", 1)
        change = (
            "import django; django.setup()\n"
            "from django_celery_beat.models import IntervalSchedule, PeriodicTask\n"
            "PeriodicTask.objects.get(name='tick').delete()\n"
            "hours = IntervalSchedule.objects.create(every=1, period='hours')\n"
            "PeriodicTask.objects.create(name='new', task='proj.new', interval=hours)\n"
        )
        django(tmp_path, "-c", change)
        until(lambda: "new" in one.of(DUE) and "tick" not in one.of(DUE), lambda: one.get()[1])
        assert one.of(LATE)["new"] == 0


@pytest.mark.slow
def test_of_two_redbeats_the_one_without_the_lock_tells_nothing(broker: str, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    for folder in (tmp_path, second):
        write_beat(folder)
    with beat(tmp_path, broker, "redbeat") as first, beat(second, broker, "redbeat", ticks=False) as other:
        first.wait(SENT, "tick", 3)
        assert other.samples() == {}
        assert other.get("/livez") == (200, "no tick yet\n")


@pytest.mark.slow
def test_a_beat_inside_a_worker_tells_too(broker: str, tmp_path: Path) -> None:
    write_beat(tmp_path)
    port = free_port()
    with worker(tmp_path, broker, "-B", CELERY_BEAT_METRICS_PORT=str(port)) as process:
        inside = Beat(process, port)
        until(lambda: inside.of(SENT).get("tick", 0) >= 2, lambda: (tmp_path / "out.txt").read_text()[-3000:])
