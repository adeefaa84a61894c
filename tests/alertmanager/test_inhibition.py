"""A real Alertmanager mutes what it should and nothing else. Each scenario is an environment of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from stackgen.catalog.signal import SEVERITIES, Signal
from stackgen.resolve.plan import Plan
from tests.alertmanager import reading
from tests.alertmanager.server import Alertmanager, Labels, running, wait
from tests.alertmanager.stacks import HEAD, plan_of, write

pytestmark = [pytest.mark.promtool, pytest.mark.slow]

Named = tuple[str, str, str]
"""Signal, severity, and what the alert is about."""
REPEATED = ("log_failures", "task_loss_streak")
"""Muted while the failure rate of the same task fires."""
CAUSES = ("broker_down", "exporter_down", "workers_active")
WITHOUT_WORKERS = {
    *("queue_length", "queue_growth", "queue_wait_p95", "queue_stuck", "queue_drain_time", "queue_no_consumers"),
    *("queue_workers", "workers_missing", "task_overdue", "log_silence"),
}
WITHOUT_BROKER = WITHOUT_WORKERS | {"workers_active", "worker_uptime", "source_blind"}


def _subjects(signal: Signal, plan: Plan) -> tuple[str, ...]:
    possible = signal.only_names(plan.site)
    return possible or ("a", "b") if signal.by else ("",)


def _all(plan: Plan, environment: str) -> Iterator[Labels]:
    """Every alert that this stack can have, about two subjects each."""
    for signal in plan.routed_signals:
        for alert in plan.of(signal):
            for subject in _subjects(signal, plan):
                yield {
                    **{"alertname": signal.alert, "signal": signal.id, "severity": alert.severity},
                    **{"stack": "shop", "environment": environment, "owner": "platform"},
                    **dict.fromkeys(signal.by, subject),
                }


def _about(labels: Labels) -> str:
    return next((labels[d] for d in ("queue", "task", "worker", "source") if d in labels), "")


def _named(labels: Labels) -> Named:
    return labels["signal"], labels["severity"], _about(labels)


def _only_worst(alerts: Iterable[Labels]) -> list[Labels]:
    """Of each subject the worst severity alone, so that nothing is muted by severity."""
    by_severity = sorted(alerts, key=lambda labels: SEVERITIES.index(labels["severity"]))
    return list({(labels["signal"], _about(labels)): labels for labels in by_severity}.values())


def _quiet(plan: Plan, environment: str) -> list[Labels]:
    """Everything that can fire at once without one explaining another."""
    left_out = (*CAUSES, *REPEATED)
    return [labels for labels in _only_worst(_all(plan, environment)) if labels["signal"] not in left_out]


def _with(plan: Plan, environment: str, *causes: tuple[str, str]) -> list[Labels]:
    fired = (labels for labels in _all(plan, environment) if (labels["signal"], _about(labels)) in causes)
    return [*_quiet(plan, environment), *fired]


def _crossed(plan: Plan) -> list[Labels]:
    """The worst of one alert with the mildest of another about the same subject, and of the same about another."""
    ladders = [alerts for signal in plan.metric_signals if len(alerts := plan.of(signal)) > 1]
    found = []
    for turn, alerts in enumerate(ladders):
        ranked = sorted((alert.severity for alert in alerts), key=SEVERITIES.index)
        wanted = {("a", "b")[turn % 2]: ranked[-1], ("b", "a")[turn % 2]: ranked[0]}
        mine = (labels for labels in _all(plan, "crossed") if labels["signal"] == alerts[0].signal.id)
        found += [labels for labels in mine if wanted[_about(labels)] == labels["severity"]]
    return found


def _logged(plan: Plan) -> list[Labels]:
    """Both tasks fail in the logs, and one of them by its share as well."""
    told = {("task_failure_ratio", "a"), ("log_silence", "")}
    wanted = told | {(name, task) for name in REPEATED for task in ("a", "b")}
    return [labels for labels in _all(plan, "logged") if (labels["signal"], _about(labels)) in wanted]


def _scenarios(plan: Plan) -> dict[str, list[Labels]]:
    its_exporter = ("exporter_down", "celery-exporter")
    return {
        "quiet": _quiet(plan, "quiet"),
        "severity": [labels for labels in _all(plan, "severity") if labels["signal"] not in (*CAUSES, *REPEATED)],
        "logged": _logged(plan),
        "crossed": _crossed(plan),
        "exporter": _with(plan, "exporter", its_exporter),
        "redis": _with(plan, "redis", ("exporter_down", "redis")),
        "workers": _with(plan, "workers", ("workers_active", "")),
        "broker": _with(plan, "broker", ("broker_down", ""), ("workers_active", ""), ("exporter_down", "redis")),
        "both": _with(plan, "both", ("broker_down", ""), its_exporter),
        "everything": [*_all(plan, "everything")],
    }


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A stack with every kind of alert."""
    return plan_of(HEAD + "logs: {shippers: [alloy]}\n", tmp_path_factory.mktemp("inhibition"))


@pytest.fixture(scope="module")
def muted(plan: Plan, newest: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[Named]]:
    """What a real Alertmanager mutes in each scenario."""
    folder = tmp_path_factory.mktemp("alertmanager")
    scenarios = _scenarios(plan)
    fired = [labels for alerts in scenarios.values() for labels in alerts]
    count = len({tuple(sorted(labels.items())) for labels in fired})
    with running(newest, write(plan, folder), folder) as alertmanager:
        alertmanager.fire(fired)
        wait(lambda: len(alertmanager.alerts()) == count, "all alerts")
        _settle(alertmanager)
        found: dict[str, set[Named]] = {name: set() for name in scenarios}
        for alert in alertmanager.alerts():
            if alert["status"]["inhibitedBy"]:
                found[alert["labels"]["environment"]].add(_named(alert["labels"]))
    return found


def _settle(alertmanager: Alertmanager) -> None:
    """Rules learn of new alerts one by one: the same answer for half a second is the end of it."""
    answers: list[object] = []
    while len(answers) < 6 or any(answer != answers[-1] for answer in answers[-6:]):
        assert len(answers) < 200, "Alertmanager does not come to rest"
        answers.append(sorted((a["fingerprint"], a["status"]["state"]) for a in alertmanager.alerts()))
        time.sleep(0.1)


def test_we_read_inhibition_as_the_real_one_does(muted: dict[str, set[Named]], plan: Plan, tmp_path: Path) -> None:
    rules = yaml.safe_load(write(plan, tmp_path).read_text(encoding="utf-8"))["inhibit_rules"]
    for name, fired in _scenarios(plan).items():
        assert (name, {_named(fired[effect]) for effect, _ in reading.muted(rules, fired)}) == (name, muted[name])


def _fired(plan: Plan, scenario: str) -> set[Named]:
    return {_named(labels) for labels in _scenarios(plan)[scenario]}


def test_a_share_of_failures_mutes_the_same_tasks_failures_in_the_logs(muted: dict[str, set[Named]]) -> None:
    by_severity = {("task_failure_ratio", "warning", "a")}
    assert muted["logged"] - by_severity == {(name, "warning", "a") for name in REPEATED}


def test_nothing_is_muted_without_a_cause(muted: dict[str, set[Named]]) -> None:
    assert muted["quiet"] == set()


def test_a_severity_mutes_the_lower_ones_of_the_same_alert_and_subject(
    muted: dict[str, set[Named]], plan: Plan
) -> None:
    worst = {_named(labels) for labels in _only_worst(_scenarios(plan)["severity"])}
    assert muted["severity"] == _fired(plan, "severity") - worst
    assert {signal for signal, _, _ in muted["severity"]} == {
        *("queue_length", "queue_wait_p95", "task_failure_ratio", "worker_uptime")
    }


def test_a_severity_mutes_no_other_alert_and_no_other_subject(muted: dict[str, set[Named]], plan: Plan) -> None:
    fired = _fired(plan, "crossed")
    assert {("queue_length", "critical", "a"), ("queue_wait_p95", "warning", "a")} <= fired
    assert {("queue_length", "warning", "b"), ("queue_wait_p95", "critical", "b")} <= fired
    assert muted["crossed"] == set()


@pytest.mark.parametrize(("scenario", "source"), [("exporter", "celery-exporter"), ("redis", "redis")])
def test_a_source_that_is_down_mutes_exactly_its_own(
    muted: dict[str, set[Named]], plan: Plan, scenario: str, source: str
) -> None:
    own = {a.signal.id for a in plan.alerts if a.signal.family != "stack" and source in a.sources}
    own -= {"workers_evidence", "consumers_evidence", "length_evidence"}  # others are heard as well
    own -= {"queue_length", "queue_growth", "dead_letter_length"}  # others count queues as well
    own -= {"worker_slots", "worker_idle"}  # as for these
    own = set() if source == "redis" else own
    expected = {named for named in _fired(plan, scenario) if named[0] in own}
    assert muted[scenario] == expected | {("scrape_failures", "warning", source)}


def test_no_workers_mute_what_waits_for_workers(muted: dict[str, set[Named]], plan: Plan) -> None:
    assert muted["workers"] == {named for named in _fired(plan, "workers") if named[0] in WITHOUT_WORKERS}


def test_a_broker_that_is_down_mutes_what_needs_it(muted: dict[str, set[Named]], plan: Plan) -> None:
    its_scrapes = ("scrape_failures", "warning", "celery-exporter")
    of_redis = {named for named in _fired(plan, "broker") if named[0] == "queue_length"}  # muted by both
    redis_down = ("scrape_failures", "warning", "redis")
    needy = {named for named in _fired(plan, "broker") if named[0] in WITHOUT_BROKER}
    assert muted["broker"] == needy | of_redis | {its_scrapes, redis_down}


def test_the_exporter_that_falls_with_its_broker_is_muted(muted: dict[str, set[Named]]) -> None:
    assert ("exporter_down", "critical", "celery-exporter") in muted["both"]
    assert ("exporter_down", "critical", "redis") not in muted["broker"]


def test_what_another_source_measures_is_told(muted: dict[str, set[Named]]) -> None:
    told = {"worker_cpu", "worker_memory", "worker_uptime", "queue_wait_p95", "rule_failures", "notification_failures"}
    told |= {"queue_length", "queue_growth"}
    assert {signal for signal, _, _ in muted["exporter"]} & told == set()
    assert {"queue_stuck", "workers_missing", "task_failure_ratio"} <= {signal for signal, _, _ in muted["exporter"]}


def test_the_watchdog_and_the_broker_are_never_muted(muted: dict[str, set[Named]], plan: Plan) -> None:
    assert {("watchdog", "info", ""), ("broker_down", "critical", "")} <= _fired(plan, "everything")
    assert {signal for signal, _, _ in set().union(*muted.values())} & {"watchdog", "broker_down"} == set()
