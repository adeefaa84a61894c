"""Takes over the logging of workers and beat, as Celery's own settings allow it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from stackgen.app.parts.lines import Fields, JsonLines
from stackgen.app.parts.printed import printed
from stackgen.app.parts.settings import Settings
from stackgen.app.parts.sink import NO_LOCKS
from stackgen.app.parts.tasklogs import TaskRecords
from stackgen.app.parts.told import OWN_LOGGER

# Celery's own information about each task; an event of ours says the same, so it need not even be made.
_SAID_BY_US = ("celery.app.trace", "celery.worker.strategy")


def install_logs(app: Any, settings: Settings, trace_fields: Callable[[], Fields]) -> None:
    """Connects to the start of workers and beat."""
    from celery import signals  # type: ignore[import-untyped, unused-ignore]

    logs = Logs(app, settings, trace_fields)
    for told, receiver in (
        (signals.celeryd_init, logs.started),
        (signals.setup_logging, logs.configure),
        (signals.celeryd_after_setup, logs.quiet),
    ):
        told.connect(receiver, weak=False, dispatch_uid=f"celery_monitoring.logs.{receiver.__name__}")
    _banner_to_stderr()


class Logs:
    """What Celery's signals tell about how to log, and the handler made of it."""

    def __init__(self, app: Any, settings: Settings, trace_fields: Callable[[], Fields]) -> None:
        self._app, self._settings, self._trace_fields = app, settings, trace_fields
        self._worker: Any = None

    def started(self, instance: Any = None, **_: object) -> None:
        """A worker begins; its app may be another one than that of setup()."""
        self._worker, self._app = instance, instance.app

    def configure(self, loglevel: int | None = None, logfile: str | None = None, **_: object) -> None:
        """Celery asks who configures logging. It asks once a process; again in each with a log file of its own."""
        logs, conf = self._settings.logs, self._app.conf
        level = _asked(loglevel) or min(getattr(logging, logs.level.upper()), loglevel or logging.CRITICAL)
        handler = JsonLines(self._settings, logfile or logs.path, self._trace_fields)
        _take_over(handler, level, alone=bool(conf.worker_hijack_root_logger))
        chosen = self._worker if hasattr(self._worker, "redirect_stdouts") else None
        if chosen.redirect_stdouts if chosen else conf.worker_redirect_stdouts:
            name = chosen.redirect_stdouts_level if chosen else conf.worker_redirect_stdouts_level
            sys.stdout, sys.stderr, ends = printed(handler, name, level)
        else:
            ends = None
        TaskRecords(handler, logs).connect(level, ends)

    def quiet(self, instance: Any = None, **_: object) -> None:
        """No banner: it is not JSON, nor are the words that Celery says when it is told to stop."""
        from celery.apps import worker as worker_program  # type: ignore[import-untyped, unused-ignore]

        if NO_LOCKS:
            OWN_LOGGER.warning(NO_LOCKS)
        instance.quiet = True
        worker_program.safe_say = _say


def _take_over(handler: logging.Handler, level: int, *, alone: bool) -> None:
    """Our handler at the root, beside the application's own ones where Celery is told not to take the root logger."""
    from celery.utils.log import get_multiprocessing_logger  # type: ignore[import-untyped, unused-ignore]

    root = logging.getLogger()
    kept = [one for one in root.handlers if not isinstance(one, JsonLines)]
    root.handlers = [handler] if alone else [*kept, handler]
    root.setLevel(level)
    if alone:
        for name in ("celery", "celery.task", "celery.redirected"):
            logging.getLogger(name).handlers = []
    for own, least in ((get_multiprocessing_logger(), logging.ERROR), (OWN_LOGGER, level)):
        if own is not None:
            own.handlers = [handler]
            own.setLevel(least)
    OWN_LOGGER.propagate = False
    for name in _SAID_BY_US:
        celerys = logging.getLogger(name)
        if celerys.level == logging.NOTSET and _listeners(celerys) == [handler]:
            celerys.setLevel(logging.WARNING)


def _listeners(logger: logging.Logger | None) -> list[logging.Handler]:
    found: list[logging.Handler] = []
    while logger is not None:
        found += logger.handlers
        logger = logger.parent if logger.propagate else None
    return found


def _asked(loglevel: int | None) -> int | None:
    """The level, when the command line named it; what Celery assumes when nobody names one does not count."""
    click = sys.modules.get("click")
    context = click.get_current_context(silent=True) if click is not None else None
    source = context.get_parameter_source("loglevel") if context is not None else None
    return loglevel if source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT") else None


def _banner_to_stderr() -> None:
    """Beat prints before it asks who configures logging: what it prints is not JSON."""
    click = sys.modules.get("click")
    context = click.get_current_context(silent=True) if click is not None else None
    if getattr(context, "invoked_subcommand", None) == "beat":
        from celery.apps import beat  # type: ignore[import-untyped, unused-ignore]

        beat.print = partial(print, file=sys.stderr)


def _say(text: str, stream: object = None) -> None:
    """Celery 5's safe_say, which runs while a signal is handled: for the log its last words."""
    del stream
    logging.getLogger("celery.apps.worker").warning("%s", text)
