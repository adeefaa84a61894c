"""`python -m tests.logs`: the table of the end-to-end test, and exit code 1 when anything was lost or read twice."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.flower.redis_server import redis_server
from tests.logs import runs
from tests.logs.test_end_to_end import POOLS


def main() -> int:
    """Runs once and prints."""
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as broker:
        ran = runs.run(Path(folder), broker, POOLS, shared="prefork")
    print(runs.table(ran))
    return 0 if ran.tally.exact else 1


if __name__ == "__main__":
    sys.exit(main())
