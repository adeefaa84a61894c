"""Law: everything the guide says has a row in "guide to ours", and what the rows say of ours is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest

from stackgen.catalog import registry
from stackgen.catalog.guide import CHAPTERS
from stackgen.catalog.guide.row import Row
from stackgen.rules.build import groups
from tests.docs.conftest import Pages

GUIDE = (Path(__file__).parent / "guide.md").read_text()
ROWS = [row for chapter in CHAPTERS for row in chapter.rows]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


SAID = _squeezed("\n".join(f"{row.title}\n{row.guide}" for row in ROWS))


def _blocks(language: str) -> Iterator[str]:
    for found in _BLOCK.finditer(GUIDE):
        if found[1] == language:
            yield found[2]


def _code_lines(language: str) -> list[str]:
    lines = (line.strip() for block in _blocks(language) for line in block.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _panels() -> list[str]:
    lists = re.findall(r"\*\*Panels:\*\*\n((?:\d+\. .*\n)+)", GUIDE)
    return [re.sub(r"^\d+\. | \([a-z ]+\)$", "", line) for listed in lists for line in listed.splitlines()]


def _thresholds() -> list[str]:
    rows = re.findall(r"^\| ([A-Z][^|]*?) \| [^|]+ \| ([<>] [^|]*?) \|$", GUIDE, re.M)
    return [f"{name}: {threshold}" for name, threshold in rows]


def _alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", GUIDE)


def _alert_expressions() -> list[str]:
    found = re.findall(r"expr: (\|\n(?: {10,}.*\n)+|.*\n)", GUIDE)
    return [_squeezed(text.removeprefix("|")) for text in found]


def _functions() -> list[str]:
    return re.findall(r"^def (\w+)\(", GUIDE, re.M)


def _settings() -> list[str]:
    return re.findall(r"^(FLOWER_\w+) =", GUIDE, re.M)


def _practices() -> list[str]:
    return re.findall(r"^\d+\. \*\*(.+?)\*\*:", GUIDE, re.M)


def _sections() -> list[str]:
    return re.findall(r"^\*\*(Sentry Integration|New Relic Integration|Filebeat Configuration):\*\*$", GUIDE, re.M)


ITEMS = {
    "queries": (_code_lines("promql"), 16),
    "metrics": (_code_lines(""), 10),
    "commands": (_code_lines("bash"), 13),
    "panels": (_panels(), 13),
    "thresholds": (_thresholds(), 13),
    "alerts": (_alerts(), 6),
    "expressions of alerts": (_alert_expressions(), 6),
    "functions": (_functions(), 5),
    "settings": (_settings(), 3),
    "integrations": (_sections(), 3),
    "practices": (_practices(), 10),
}


@pytest.mark.parametrize("kind", ITEMS)
def test_the_guide_is_read_whole(kind: str) -> None:
    found, expected = ITEMS[kind]
    assert expected == len(found)


@pytest.mark.parametrize(("kind", "item"), [(kind, item) for kind, (found, _) in ITEMS.items() for item in found])
def test_everything_of_the_guide_has_a_row(kind: str, item: str) -> None:
    assert _squeezed(item) in SAID


def test_everything_of_the_guide_is_on_the_page(guide_pages: Pages) -> None:
    page = _squeezed(guide_pages.files["docs/guide.md"])
    items = [_squeezed(item) for found, _ in ITEMS.values() for item in found]
    assert [item for item in items if item not in page] == []


def test_rows_name_signals_that_exist() -> None:
    assert {name for row in ROWS for name in row.signals} - set(registry.signals()) == set()


def test_titles_are_unique() -> None:
    titles = [row.title for row in ROWS]
    assert sorted(set(titles)) == sorted(titles)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.code and row.code_language == "promql"], ids=lambda r: r.title
)
def test_queries_of_ours_read_only_what_rules_record(row: Row, guide_pages: Pages) -> None:
    recorded = {rule.record for group in groups(guide_pages.plan) for rule in group.recordings}
    selected: set[str] = set()
    for line in row.code.replace("{evaluation}", "30").splitlines():
        promql_parser.parse(line)
        selected |= set(re.findall(r"celery:[a-z0-9_:]+", line))
    assert selected
    assert selected <= recorded


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.code_language == "python" and row.code], ids=lambda r: r.title
)
def test_python_of_ours_compiles(row: Row) -> None:
    compile(row.code, row.title, "exec")


def test_files_that_rows_name_are_generated(guide_pages: Pages) -> None:
    named = {path for row in ROWS for path in row.where if not path.startswith("logs/")}
    real = {path.replace("-muejam-production", "") for path in guide_pages.files}
    assert named - real == set()


def test_panels_keep_the_guides_titles(guide_pages: Pages) -> None:
    titles = {panel.title for board in registry.dashboards().values() for panel in board.panels}
    assert [title for title in _panels() if title not in titles] == []
