"""One Redis for the tests of a module, and a database of its own for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.flower.redis_server import redis_server


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[str]]:
    """Addresses of databases that nobody has used yet."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield (f"{url.removesuffix('0')}{number}" for number in count())


@pytest.fixture
def broker(databases: Iterator[str]) -> str:
    """A database of the test's own."""
    return next(databases)
