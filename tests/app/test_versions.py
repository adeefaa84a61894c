"""The sample of `make matrix` that every test run has: this Python with this Celery."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.flower.redis_server import redis_server
from tests.matrix.cell import examine


@pytest.mark.slow
def test_two_hundred_mixed_tasks_are_exact_in_counts_log_events_and_health(tmp_path: Path) -> None:
    with redis_server(tmp_path) as broker:
        examine(Path(sys.executable), tmp_path, broker)
