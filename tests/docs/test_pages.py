"""Generated pages are well-formed: tables, headings, fences; no secrets; the reference is complete."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from stackgen import pipeline
from stackgen.catalog import registry
from stackgen.emitters.docs.fields import sections
from stackgen.problem import SpecError
from stackgen.spec.examples import EXAMPLES
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


_SMALL = """\
version: 1
stack: {name: shop}
celery: {app: proj, broker: {kind: redis}}
queues: {celery: , mail: {owner: team-mail}}
sources: [celery-exporter, worker]
"""


def _examples(page: str) -> dict[str, str]:
    """YAML of the reference by its heading."""
    keys = page.partition("\n## Overlays\n")[0]
    parts = [part.partition("\n") for part in keys.split("\n### ")[1:]]
    fenced = {
        title.strip("`"): re.search(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for title, _, text in parts
    }
    return {title: found[1] for title, found in fenced.items() if found}


def test_every_section_of_the_reference_is_in_an_example(guide_pages: Pages) -> None:
    examples = _examples(guide_pages.files["docs/stack.md"])
    written = {path for text in examples.values() for path in _paths(yaml.safe_load(text))}
    missing = [one.paths for one in sections() if not any(_like(path, written) for path in one.paths)]
    assert missing == []
    assert set(yaml.safe_load(examples["the whole file"])) >= {"version", "outputs", "versions"}


def _paths(value: object, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every mapping or list entry of the data, by its keys; `[]` for a place in a list."""
    below = (
        value.items() if isinstance(value, dict) else [("[]", one) for one in value] if isinstance(value, list) else ()
    )
    return {path}.union(*(_paths(kid, (*path, str(key))) for key, kid in below))


def _like(path: str, written: set[tuple[str, ...]]) -> bool:
    wanted = path.replace("[]", ".[]").split(".") if path else []
    return any(
        len(one) == len(wanted) and all(w in ("<name>", o) for w, o in zip(wanted, one, strict=True)) for one in written
    )


def test_every_example_of_the_reference_is_accepted(guide_pages: Pages, tmp_path: Path) -> None:
    examples = _examples(guide_pages.files["docs/stack.md"])
    assert len(examples) == len(EXAMPLES)
    for text in examples.values():
        _accepted(text, tmp_path)


@pytest.mark.parametrize(("page", "number"), [("joining", 4), ("unseen", 2)])
def test_what_a_page_writes_into_stack_yaml_is_accepted(
    guide_pages: Pages, tmp_path: Path, page: str, number: int
) -> None:
    written = re.findall(
        r"^```yaml\n# stack.yaml\n(.*?)^```$", guide_pages.files[f"docs/{page}.md"], re.MULTILINE | re.DOTALL
    )
    assert len(written) == number
    for text in written:
        _accepted(text, tmp_path)


def _accepted(text: str, folder: Path) -> None:
    """A part of stack.yaml is right within a small stack."""
    (folder / "stack.yaml").write_text(yaml.safe_dump(yaml.safe_load(_SMALL) | yaml.safe_load(text)))
    try:
        pipeline.stage(folder / "stack.yaml")
    except SpecError as error:
        pytest.fail(f"{text}\n{error}")


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
