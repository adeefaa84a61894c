"""The runbooks' section "In the logs": on every page, for every backend that is on, and nowhere without logs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.catalog import registry
from stackgen.catalog.logs import log_queries

LOGGED = {name: one for name, one in registry.signals().items() if one.log_count}

STACK = """\
version: 1
stack: {name: shop}
celery: {app: config, broker: {kind: redis}}
queues: {celery: }
outputs: [runbooks, logs]
"""
HEADING = "## In the logs"


def _pages(folder: Path, more: str = "") -> dict[str, str]:
    stack = folder / "stack.yaml"
    stack.write_text(f"{STACK}{more}\n")
    files = pipeline.stage(stack).files
    return {path: text for path, text in files.items() if path.startswith("runbooks/Celery")}


def _section(page: str) -> str:
    return page.partition(f"{HEADING}\n")[2].partition("\n## ")[0]


def test_every_page_has_the_section_and_a_query(tmp_path: Path) -> None:
    pages = _pages(tmp_path, "logs: {shippers: [filebeat]}")
    assert pages
    assert [path for path, text in pages.items() if "```kql\nservice.name" not in _section(text)] == []


def test_without_logs_no_page_speaks_of_them(tmp_path: Path) -> None:
    assert [path for path, text in _pages(tmp_path).items() if HEADING in text] == []


def test_what_is_asked_fits_the_alert(tmp_path: Path) -> None:
    pages = _pages(tmp_path, "logs: {shippers: [filebeat]}")
    assert 'event.action : "task-retried"' in _section(pages["runbooks/CeleryHighRetryRate.md"])


def test_a_saved_search_that_a_page_names_is_imported(tmp_path: Path) -> None:
    pages = _pages(tmp_path, "logs: {shippers: [filebeat]}")
    saved = pipeline.stage(tmp_path / "stack.yaml").files["logs/kibana/celery.ndjson"].splitlines()
    titles = {json.loads(line)["attributes"]["title"] for line in saved}
    named = {name for page in pages.values() for name in re.findall(r"saved search `([^`]+)`", page)}
    assert named
    assert named <= titles


@pytest.mark.parametrize("shipper", ["filebeat", "alloy", "cloudwatch"])
def test_each_backend_is_asked_in_its_own_language(shipper: str) -> None:
    (query,) = log_queries.queries(log_queries.FAILED, [shipper], "shop", "production")
    assert query.language == {"filebeat": "kql", "alloy": "logql", "cloudwatch": "text"}[shipper]
    assert "task-failed" in query.text


def test_every_signal_of_the_logs_asks_for_the_lines_that_it_counts() -> None:
    for signal in LOGGED.values():
        assert signal.log_count
        assert [one.filter.fields for one in signal.log_queries] == [signal.log_count.filter.fields]


def test_every_question_is_saved_once() -> None:
    used = {one for row in log_queries.BY_FAMILY.values() for one in row}
    used |= {one for signal in registry.signals().values() for one in signal.log_queries}
    assert used <= set(log_queries.SAVED)
    assert len({one.id for one in log_queries.SAVED}) == len(log_queries.SAVED)
