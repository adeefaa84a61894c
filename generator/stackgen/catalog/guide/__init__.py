"""The monitoring guide this product makes real, row by row: what it says, what is wrong with it, what we do."""

from __future__ import annotations

from stackgen.catalog.guide import alerts, commands, dashboards, metrics, operations, tools
from stackgen.catalog.guide.row import Chapter

CHAPTERS: tuple[Chapter, ...] = (
    tools.FLOWER,
    tools.EXPORTER,
    tools.APM,
    metrics.WORKERS,
    metrics.QUEUES,
    metrics.TASKS,
    dashboards.WORKERS,
    dashboards.QUEUES,
    dashboards.TASK_PERFORMANCE,
    alerts.ALERTS,
    operations.LOGGING,
    operations.HEALTH,
    commands.COMMANDS,
    commands.PRACTICES,
)
"""In the guide's order."""
