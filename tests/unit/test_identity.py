"""No two stacks share a name that is made of a stack and its environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stackgen import pipeline
from stackgen.catalog.identity import joined

SLUGS = st.from_regex(r"[ab](-{0,2}[ab]){0,4}", fullmatch=True)


@given(one=st.lists(SLUGS, min_size=1, max_size=3), other=st.lists(SLUGS, min_size=1, max_size=3))
def test_other_parts_give_another_name(one: list[str], other: list[str]) -> None:
    assume(one != other)
    assert joined(*one) != joined(*other)


@given(one=st.lists(SLUGS, min_size=1, max_size=4), other=st.lists(SLUGS, min_size=1, max_size=4))
def test_names_that_are_cut_stay_apart_and_short(one: list[str], other: list[str]) -> None:
    names = {joined(*parts, longest=20) for parts in (one, other)}
    assert len(names) == len({tuple(one), tuple(other)})
    assert all(len(name) <= 20 for name in names)


@pytest.mark.parametrize(
    ("parts", "name"), [(("shop", "production"), "shop-production"), (("shop-eu", "pre-prod"), "shop--eu-pre--prod")]
)
def test_a_name_is_read_by_people(parts: tuple[str, ...], name: str) -> None:
    assert joined(*parts) == name


def _logs(folder: Path, name: str, environment: str) -> dict[str, str]:
    folder.mkdir()
    stack = folder / "stack.yaml"
    stack.write_text(
        f"version: 1\nstack: {{name: {name}, environment: {environment}}}\n"
        "celery: {app: proj, broker: {kind: redis}}\nqueues: {celery: {}}\noutputs: [logs]\n"
        "logs: {shippers: [filebeat, cloudwatch]}\n",
        encoding="utf-8",
    )
    return pipeline.stage(stack).files


@pytest.mark.parametrize("path", ["logs/kibana/celery.ndjson", "logs/filebeat/filebeat.yml"])
def test_ids_of_two_stacks_never_meet(path: str, tmp_path: Path) -> None:
    ours, theirs = "celery-shop-eu--production", "celery-shop--eu-production"
    one = _logs(tmp_path / "one", "shop", "eu-production")[path]
    other = _logs(tmp_path / "other", "shop-eu", "production")[path]
    assert [name for name in (ours, theirs) if name in one] == [ours]
    assert [name for name in (ours, theirs) if name in other] == [theirs]
