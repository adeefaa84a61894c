"""What rules cost: told by `generate` before it happens, and by `doctor` when it does."""

from __future__ import annotations

from pathlib import Path

from stackgen import verify
from stackgen.doctor import cost
from stackgen.doctor.exposition import Sample
from stackgen.doctor.seen import Seen
from stackgen.rules.build import group_names
from stackgen.verify.subject import Subject
from tests.contract.scrape import planned

STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: shop, broker: {{kind: redis}}}}
queues: {{celery: {{min_workers: {workers}}}}}
sources: [{{name: celery-exporter, version: "{version}"}}]
versions: {{celery-exporter: built}}
tasks: {{{tasks}}}
"""


def _said(folder: Path, tasks: int, workers: int | str, version: str = "0.12.2") -> list[str]:
    named = ", ".join(f"app.t{n}: {{owner: shop}}" for n in range(tasks))
    plan, document = planned(folder, STACK.format(workers=workers, version=version, tasks=named))
    found = verify.problems("plan", Subject(plan, document))
    return [f"{one.mark.line}: {one.level}[{one.rule}]: {one.message}" for one in found if one.rule == "rule-cost"]


def test_a_stack_that_will_take_a_tenth_of_the_interval_is_told(tmp_path: Path) -> None:
    assert _said(tmp_path, 200, 100) == [
        "7: warning[rule-cost]: 200 tasks on 100 workers are up to 380,000 series: "
        "about 3.4 s of CPU at each evaluation, every 30s"
    ]


def test_where_nobody_says_how_many_workers_there_are_none_are_counted(tmp_path: Path) -> None:
    assert _said(tmp_path, 18_000, "null") == [
        "7: warning[rule-cost]: 18000 tasks are up to 342,000 series for each worker: "
        "about 3.1 s of CPU at each evaluation, every 30s"
    ]


def test_smaller_ones_are_not(tmp_path: Path) -> None:
    assert _said(tmp_path, 200, 80) == []


def test_an_exporter_that_forgets_hosts_makes_few_series(tmp_path: Path) -> None:
    assert _said(tmp_path, 200, 1000, "next") == []


def test_the_doctor_names_groups_that_take_half_of_their_interval(tmp_path: Path) -> None:
    plan, _ = planned(tmp_path, STACK.format(workers=1, version="0.12.2", tasks=""))
    tasks, durations = plan.site.named("tasks"), plan.site.named("tasks_durations")
    answer = {
        "groups": [
            {"name": tasks, "interval": 30, "evaluationTime": 14.9},
            {"name": durations, "interval": 240, "evaluationTime": 130.5},
            {"name": "others", "interval": 30, "evaluationTime": 29},
        ]
    }
    samples = (Sample("celery_task_sent_total", {}, 1.0), Sample("celery_worker_up", {}, 1.0))
    seen = Seen(plan=plan, exporter=samples, evaluations=cost.evaluations(answer, group_names(plan.site)))
    assert [(one.rule, one.what, one.alerts) for one in cost.check(seen)] == [
        (
            "rules-slow",
            f"the last evaluation of the group {durations} took 130.5 s, and one begins every 240 s; "
            "series of tasks: 1",
            ("CelerySlowTasks",),
        )
    ]


def test_what_is_no_answer_of_prometheus_is_no_group() -> None:
    assert cost.evaluations("nothing", ("celery",)) == {}
