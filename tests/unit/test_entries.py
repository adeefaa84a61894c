"""Which entry of `queues` or `tasks` means a name, and that PromQL's matchers say the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackgen.catalog.entries import Entries, is_pattern

NAMES = st.text("ab-", min_size=1, max_size=5)
KEYS = st.lists(
    st.one_of(NAMES, NAMES.map("{}*".format), NAMES.map("*{}".format), NAMES.map("*{}*".format)), unique=True
)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("tenant-1", "tenant-1"),
        ("tenant-2", "tenant-*"),
        ("tenant-vip-2", "tenant-vip-*"),
        ("x-vip-y", "*vip*"),
        ("mail", None),
    ],
)
def test_its_own_name_before_the_longest_pattern_before_none(name: str, entry: str | None) -> None:
    entries = Entries(["tenant-*", "*vip*", "tenant-vip-*", "tenant-1", "celery"])

    assert entries.found(name) == entry


@pytest.mark.parametrize("name", ["a * b", "x `*", "two\nlines*", "no"])
def test_a_star_among_other_signs_is_part_of_a_name(name: str) -> None:
    assert not is_pattern(name)


@pytest.mark.parametrize("name", ["{shop}.*", "*@eu", "a+b-*", "#low*"])
def test_a_star_at_an_end_means_many_beside_signs_of_tenants_too(name: str) -> None:
    assert is_pattern(name)


def _matched(matchers: tuple[str, ...], name: str) -> bool:
    """What Prometheus does with matchers such as queue=~"a.*" and queue!~"b|c"."""
    for matcher in filter(None, matchers):
        found = re.fullmatch(r'queue(=~|!~|!=|=)"(.*)"', matcher)
        assert found
        text = found[2].replace("\\\\", "\\")
        equal = re.fullmatch(text, name) is not None if "~" in found[1] else text == name
        if equal == found[1].startswith("!"):
            return False
    return True


@given(KEYS, NAMES)
def test_matchers_of_a_pattern_match_what_it_means_and_nothing_else(keys: list[str], name: str) -> None:
    entries = Entries(keys)

    meant = [pattern for pattern in entries.patterns if _matched(entries.matchers("queue", pattern), name)]

    found = entries.found(name)
    assert meant == ([found] if found in entries.patterns else [])


@given(KEYS)
def test_an_example_is_meant_by_its_entry(keys: list[str]) -> None:
    entries = Entries(keys)

    assert all(entries.found(name) == key for key in keys if (name := entries.example(key)) is not None)
