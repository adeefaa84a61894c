"""Generated pages are well-formed: tables, headings, fences; no secrets; the reference is complete."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING

from stackgen.catalog import registry
from stackgen.spec.fieldtext import models
from tests.docs.conftest import Pages

if TYPE_CHECKING:
    from pydantic import BaseModel

_SECRET = re.compile(r"://[^/\s:@]+:[^/\s@]+@|(?i:password|secret|token|api_key)\s*[=:]\s*['\"][^'\"$<{]{4,}")


def _outside_code(text: str) -> list[str]:
    lines, fence = [], ""
    for line in text.splitlines():
        ticks = re.match(r"`{3,}", line)
        if fence:
            fence = "" if line.startswith(fence) and not line.strip("`") else fence
        elif ticks:
            fence = ticks[0]
        else:
            lines.append(line)
    assert not fence
    return lines


def _cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def test_tables_have_equal_columns(pages: Pages) -> None:
    for path, text in pages.markdown.items():
        lines = _outside_code(text)
        for above, line in itertools.pairwise(lines):
            if line.startswith("|") and above.startswith("|"):
                assert _cells(line) == _cells(above), f"{path}: {line}"


def test_every_table_has_a_rule_under_its_heading(pages: Pages) -> None:
    for path, text in pages.markdown.items():
        lines = ["", *_outside_code(text)]
        starts = [i for i, line in enumerate(lines) if line.startswith("|") and not lines[i - 1].startswith("|")]
        assert [i for i in starts if not re.fullmatch(r"\|( --- \|)+", lines[i + 1])] == [], path


def test_headings_are_unique_and_in_order(pages: Pages) -> None:
    for path, text in pages.markdown.items():
        headings = [line for line in _outside_code(text) if re.match(r"#{1,6} ", line)]
        assert [h for h, count in Counter(headings).items() if count > 1] == [], path
        assert headings[0].startswith("# "), path
        depths = [len(h.split(" ")[0]) for h in headings]
        assert all(next_ <= depth + 1 for depth, next_ in itertools.pairwise(depths)), path


def test_there_are_no_double_blank_lines(pages: Pages) -> None:
    assert [path for path, text in pages.markdown.items() if "\n\n\n" in text or not text.endswith("\n")] == []


def test_nothing_looks_like_a_secret(pages: Pages) -> None:
    found = {path: _SECRET.search(text) for path, text in pages.markdown.items()}
    assert {path: hit[0] for path, hit in found.items() if hit} == {}


def test_the_reference_has_every_key(guide_pages: Pages) -> None:
    page = guide_pages.files["docs/stack.md"]
    for model in models().values():
        for name, field in _fields(model).items():
            assert f"| `{field}` | " in page, f"{model.__name__}.{name}"


def _fields(model: type[BaseModel]) -> dict[str, str]:
    return {name: field.alias or name for name, field in model.model_fields.items()}


def test_every_key_of_the_reference_has_a_meaning(guide_pages: Pages) -> None:
    page = guide_pages.files["docs/stack.md"].partition("## Signals")[0]
    keys = [line for line in page.splitlines() if line.startswith("| `")]
    assert keys
    assert [line for line in keys if line.endswith("|  |")] == []


def test_the_reference_has_every_signal_and_source(guide_pages: Pages) -> None:
    page = guide_pages.files["docs/stack.md"]
    assert [name for name in registry.signals() if f"| `{name}` | " not in page] == []
    assert [name for name in registry.sources() if f"### Source `{name}`\n" not in page] == []


def test_every_severity_of_every_alert_is_on_the_printed_page(pages: Pages) -> None:
    if "docs/alerts.md" not in pages.files:
        return
    page = pages.files["docs/alerts.md"]
    for one in pages.plan.alerts:
        assert re.search(rf"\| \[?{one.signal.alert}[^|]*\| {one.severity} \|", page)


def test_what_is_off_is_told(guide_pages: Pages) -> None:
    page = guide_pages.files["docs/alerts.md"]
    assert [off.signal.id for off in guide_pages.plan.off if f"| `{off.signal.id}` |" not in page] == []
