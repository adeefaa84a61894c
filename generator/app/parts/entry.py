"""What a team calls: setup(app), and `python -m celery_monitoring`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from generator.app.parts.apm import Services
from generator.app.parts.logs import install_logs
from generator.app.parts.published import mark_published
from generator.app.parts.settings import SETTINGS, Settings
from generator.app.parts.tasklogs import install_task_logs


def setup(app: Any, settings: Settings = SETTINGS) -> None:
    """Connects everything that stack.yaml switches on; calling it again changes nothing."""
    del app
    mark_published()
    services = Services(settings)
    services.install()
    if settings.logs.enabled:
        install_logs(settings, services.trace_fields)
        install_task_logs(settings)


def main(argv: Sequence[str]) -> int:
    """`python -m celery_monitoring COMMAND …`; the exit code."""
    commands: dict[str, Any] = {}
    if not argv or argv[0] not in commands:
        sys.stderr.write(f"usage: python -m celery_monitoring {{{','.join(commands)}}} …\n")
        return 2
    code: int = commands[argv[0]](argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
