"""How this file speaks of itself: a logger that the application's configuration of logging cannot switch off."""

from __future__ import annotations

import logging


class OwnLogger(logging.Logger):
    """logging.config disables every logger that it is not told of; not this one."""

    @property  # type: ignore[override, unused-ignore]
    def disabled(self) -> bool:
        """Never."""
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        """Is not listened to."""


OWN_LOGGER = OwnLogger("celery_monitoring")
"""Not known to logging, so that nobody takes its handlers; without logs of ours it speaks through the root logger."""
OWN_LOGGER.parent = logging.getLogger()
