"""What cannot be kept as a readable file: bytes, sizes, folders, bombs, and any input at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackgen.document import Document
from stackgen.load import load
from stackgen.problem import Mark, SpecError
from tests.conftest import calls


def _load(tmp_path: Path, data: bytes | str) -> Document:
    file = tmp_path / "stack.yaml"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return load(file)


def _rules(tmp_path: Path, data: bytes | str) -> list[tuple[str, int, int]]:
    with pytest.raises(SpecError) as caught:
        _load(tmp_path, data)
    return [(p.rule, p.mark.line, p.mark.column) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-1", -1), ("0", 0), ("1.5", 1.5), ("0.05", 0.05), ("true", True), ("false", False),
        ("null", None), ("~", None), ("", None),
        *((text, text) for text in (
            "1e3", "1_000", "0x1F", "0o17", "010", "08", "12:30", "yes", "no", "on", "off", "True", "NULL", ".5", "5.",
            "+5", ".inf", ".nan", "2024-01-01", "9" * 5000, "1." + "0" * 50, "=",
        )),
        ('"1"', "1"), ("'true'", "true"), ('""', ""), ('"\\u00e9"', "é"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_it_looks_like(tmp_path: Path, text: str, value: object) -> None:
    got = _load(tmp_path, f"a: {text}\n").data["a"]
    assert (value, type(value)) == (got, type(got))


def test_positions_of_keys_and_values(tmp_path: Path) -> None:
    doc = _load(tmp_path, "a:\n  b: [x, {c: 1e3}]\n")
    assert Mark(doc.file, 2, 14) == doc.mark(("a", "b", 1, "c"))
    assert Mark(doc.file, 2, 11) == doc.key_mark(("a", "b", 1, "c"))
    assert Mark(doc.file, 2, 14) == doc.mark(("a", "b", 1, "c", "not there"))
    assert doc.shown(("a", "b", 1, "c")) == "1e3"


def test_a_byte_order_mark_and_windows_lines_are_accepted(tmp_path: Path) -> None:
    doc = _load(tmp_path, b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: x\r\n")
    assert doc.data == {"a": 1, "b": {"c": "x"}}
    assert Mark(doc.file, 3, 6) == doc.mark(("b", "c"))


def test_an_alias_has_its_own_place(tmp_path: Path) -> None:
    doc = _load(tmp_path, "a: &x {k: 1}\nb: *x\n")
    assert doc.data == {"a": {"k": 1}, "b": {"k": 1}}
    assert Mark(doc.file, 2, 4) == doc.mark(("b",))


def test_a_missing_file_and_a_directory_and_a_file_as_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "file" / "stack.yaml"):
        with pytest.raises(SpecError, match=r"error\[no-file\]"):
            load(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have(name: str) -> None:
    with pytest.raises(SpecError, match=r"error\[unreadable\]"):
        load(Path(name))


def test_no_permission(tmp_path: Path) -> None:
    file = tmp_path / "stack.yaml"
    file.touch(mode=0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)  # root may read everything
    try:
        with pytest.raises(SpecError, match=r"error\[unreadable\]: no permission"):
            load(file)
    finally:
        os.seteuid(me)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert _rules(tmp_path, b"a: 1\nb: caf\xe9\n") == [("not-utf8", 2, 7)]
    assert _rules(tmp_path, "a: 1\n".encode("utf-16")) == [("not-utf8", 1, 1)]
    assert _rules(tmp_path, b"a: \x00\n\x1b[0m\n") == [("control-character", 1, 4), ("control-character", 2, 1)]
    assert len(_rules(tmp_path, bytes(100))) == 10


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    assert _rules(tmp_path, b"#" * (8 * 1024 * 1024 + 1)) == [("too-large", 0, 0)]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_deep_nesting_is_refused_at_once(tmp_path: Path, text: str) -> None:
    (rule, line, _) = _rules(tmp_path, text)[0]
    assert (rule, line) == ("too-deep", 1)


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 100)]

    def refuse() -> None:
        assert _rules(tmp_path, "\n".join(lines))[0][0] == "too-many-values"

    assert calls(refuse) < 100_000  # written out it would be 10 ** 100


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    rules = [rule for rule, _, _ in _rules(tmp_path, "a: 1\na: 2\n3: x\n<<: {}\nb: !t x\nc: *none\nd: [\n")]
    assert rules == ["duplicate-key", "key-not-text", "merge-key", "tag", "alias", "yaml-syntax"]


def test_four_times_the_queues_cost_four_times_the_work(tmp_path: Path) -> None:
    queue = (
        "  queue-{0}:\n    owner: team-{0}\n    thresholds:\n      queue_length: {{warning: {0}, critical: 20000}}\n"
    )

    def load_queues(count: int) -> int:
        text = "queues:\n" + "".join(queue.format(i) for i in range(count))
        return calls(lambda: len(_load(tmp_path, text).data["queues"]) == count or pytest.fail("some are missing"))

    assert load_queues(2_000) <= 4.1 * load_queues(500)


_YAML = st.text(st.sampled_from("ab1:- \n\t?[]{},&*!|>'\"%@`#~<=\\.é\u2028\x85"), max_size=60)


@settings(max_examples=500, deadline=None)
@given(
    data=st.binary(max_size=60)
    | _YAML.map(str.encode)
    | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace"))
)
def test_any_bytes_load_or_are_explained(data: bytes, tmp_path_factory: Any) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz-load.yaml"
    file.write_bytes(data)
    try:
        problems = SpecError([]).problems if isinstance(load(file).data, dict) else None
    except SpecError as e:
        problems = e.problems or None
    assert problems is not None
    assert all(line.isprintable() for problem in problems for line in str(problem).split("\n"))
