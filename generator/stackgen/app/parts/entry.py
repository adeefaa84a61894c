"""What a team calls: setup(app), and `python -m celery_monitoring`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from stackgen.app.parts.apm import Services
from stackgen.app.parts.beat import install_beat
from stackgen.app.parts.health import health_main
from stackgen.app.parts.logs import install_logs
from stackgen.app.parts.metrics import install_metrics
from stackgen.app.parts.probe import probe_main
from stackgen.app.parts.published import mark_published
from stackgen.app.parts.settings import SETTINGS, Settings


def setup(app: Any, settings: Settings = SETTINGS) -> None:
    """Connects everything that stack.yaml switches on; calling it again changes nothing."""
    mark_published()
    services = Services(settings)
    services.install()
    if settings.logs.enabled:
        install_logs(app, settings, services.trace_fields)
    install_metrics(app, settings)
    install_beat(settings)


def main(argv: Sequence[str]) -> int:
    """`python -m celery_monitoring COMMAND …`; the exit code."""
    commands = {"health": health_main, "exporter": probe_main}
    if not argv or argv[0] not in commands:
        sys.stderr.write(f"usage: python -m celery_monitoring {{{','.join(commands)}}} …\n")
        return 2
    return commands[argv[0]](argv[1:], SETTINGS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
