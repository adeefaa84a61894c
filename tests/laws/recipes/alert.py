"""A toy alert: tasks that were revoked, as a share."""

from __future__ import annotations

from fractions import Fraction

from stackgen.catalog import input_shapes
from stackgen.catalog.series import TASKS
from stackgen.catalog.signal import Guard, Level, Signal

_ENDED = f'sum by (task) ({TASKS.name}{{state=~"SUCCESS|REVOKED"}})'
_REVOKED = f'sum by (task) ({TASKS.name}{{state="REVOKED"}})'

TOY = Signal(
    id="toy_revoked_ratio",
    alert="CeleryToyRevoked",
    title="Toy revocation rate",
    family="tasks",
    unit="ratio",
    by=("task",),
    needs=(TASKS,),
    record="celery:toy_revoked:ratio10m",
    expr=lambda site: f"({_REVOKED} or 0 * {_ENDED}) / ({_ENDED} > 0)",
    shape=input_shapes.Share(TASKS, TASKS, {"state": "REVOKED"}, {"state": "SUCCESS"}, outside=("RETRY", "REJECTED")),
    levels={"warning": Level(Fraction(30, 100), hold=300)},
    overrides="task",
    guards=(Guard("min_tasks", _ENDED, 20),),
    summary="{value} of task {task} are revoked (limit {limit})",
    action="See who revokes them.",
    meaning="Work that was asked for is thrown away.",
    causes=("expires is shorter than the queue",),
    dashboard="celery-tasks",
)
