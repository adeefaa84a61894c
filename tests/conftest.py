"""What all tests share: the repository, the real tools, the switch that rewrites goldens, Hypothesis' settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import hypothesis.configuration
import pytest
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants

REPOSITORY = Path(__file__).resolve().parents[1]
PROMTOOLS = {"promtool-2.42": "v2", "promtool-3": "v3"}
LOGQL = REPOSITORY / ".tools" / "logql" / "lezer-logql.cjs"

# pytest works on every processor: a Go program that collects its garbage beside its work keeps others waiting.
os.environ.setdefault("GOMAXPROCS", "1")

hypothesis.configuration.set_hypothesis_home_dir(REPOSITORY / ".venv" / "cache" / "hypothesis")
# Derandomised: a red pull request is red for everybody. The number of examples is each test's own choice.
hypothesis.settings.register_profile("stackgen", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("stackgen")
# Hypothesis also draws from the constants of every module that is loaded: which those are depends on the other tests.
patch.object(HypothesisProvider, "_local_constants", Constants()).start()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden`, used by `make golden` only."""
    parser.addoption("--update-golden", action="store_true", help="write the golden trees instead of comparing them")


@pytest.hookimpl(trylast=True)  # after -m and -k have chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that needs a tool is never skipped: without the tool the whole run stops with exit code 3."""
    if any(item.get_closest_marker("promtool") for item in items):
        needed = [*map(_promtool, PROMTOOLS.values()), LOGQL]
        missing = [str(path) for path in needed if not path.is_file()]
        if missing:
            reason = f"these tests need {' and '.join(missing)}: run `make tools`"
            pytest.exit(reason, returncode=3)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY


@pytest.fixture(scope="session", params=list(PROMTOOLS.values()), ids=list(PROMTOOLS))
def promtool(request: pytest.FixtureRequest) -> Path:
    """The real promtool, once as Debian bookworm has it and once of the 3.x line; mark the test `promtool`."""
    return _promtool(request.param)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether a golden test shall write what it would compare."""
    return bool(request.config.getoption("--update-golden"))


def _promtool(version: str) -> Path:
    return REPOSITORY / ".tools" / version / "usr" / "bin" / "promtool"


def calls(work: Callable[[], object]) -> int:
    """How many functions the work calls: its cost, the same on every machine."""
    count = 0

    def one_more(frame: object, event: str, argument: object) -> None:
        del frame, argument
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(one_more)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
