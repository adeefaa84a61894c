"""What each single value accepts, and what it becomes."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from stackgen.spec import names
from stackgen.spec.scalars import Bytes, Duration, Limit, Quantity


@pytest.mark.parametrize(
    ("text", "seconds", "prom"),
    [
        ("30s", 30, "30s"), ("10m", 600, "10m"), ("90m", 5400, "1h30m"), ("1h30m", 5400, "1h30m"), ("2d", 172800, "2d"),
        ("500ms", Fraction(1, 2), "500ms"), ("1m500ms", Fraction(121, 2), "1m500ms"), ("0s", 0, "0s"),
        ("3600s", 3600, "1h"),
    ],
)  # fmt: skip
def test_a_duration_is_exact_and_printed_short(text: str, seconds: Fraction, prom: str) -> None:
    assert (seconds, prom) == (Duration.of(text).seconds, Duration.of(text).prom)


@given(st.integers(min_value=0, max_value=10**11))
def test_a_printed_duration_reads_the_same(milliseconds: int) -> None:
    assert Duration(milliseconds) == Duration.of(Duration(milliseconds).prom)


@pytest.mark.parametrize(
    "text", ["", "10", "1.5m", "10 m", "m", "30s1h", "-5m", "5min", "1w", "+1m", "1m\n", "\u0663m", "9" * 50 + "s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        Duration.of(text)


@pytest.mark.parametrize(
    ("raw", "value", "kind"),
    [
        (1000, "1000", "number"), (0.05, "0.05", "number"), (0.1, "0.1", "number"), (0, "0", "number"),
        ("5%", "0.05", "ratio"),
        ("0.1%", "0.001", "ratio"), ("10m", "600", "seconds"), ("500ms", "0.5", "seconds"),
        ("10/s", "10", "per_second"),
        ("0.5/s", "0.5", "per_second"), (0.000001, "0.000001", "number"),
    ],
)  # fmt: skip
def test_a_quantity_is_in_base_units(raw: object, value: str, kind: str) -> None:
    got = Quantity.of(raw)
    assert (Decimal(value), kind, str(raw)) == (got.value, got.kind, got.text if isinstance(raw, str) else str(raw))


@pytest.mark.parametrize(
    "raw", [True, None, [], {}, -1, -0.5, "", "1000", "1e3", "%", "5 %", "-5%", "10/m", "5%%", "never", "\u0665%"]
)
def test_what_is_no_quantity(raw: object) -> None:
    with pytest.raises(PydanticCustomError):
        Quantity.of(raw)


def test_a_limit_may_be_never() -> None:
    assert TypeAdapter[Any](Limit).validate_python("never") == "never"


@pytest.mark.parametrize(
    ("text", "size"),
    [("1.5GiB", 1610612736), ("512MiB", 536870912), ("2GB", 2 * 10**9), ("1B", 1), ("10kB", 10_000), ("0.5KiB", 512)],
)
def test_a_size_is_in_bytes(text: str, size: int) -> None:
    assert size == TypeAdapter[Any](Bytes).validate_python(text)


@pytest.mark.parametrize("value", ["", "0B", "512", 512, "1.5 GiB", "1gb", "MiB", "-1MiB", None, "1KB", "0.1B"])
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[Any](Bytes).validate_python(value)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (names.HostPort, ["a:1", "celery-exporter:9808", "10.0.0.1:65535", "[::1]:80", "a_b.c:9"],
         ["a", "a:", ":1", "a:0", "a:65536", "::1:80", "[::1]", "http://a:1", "a:1/m",
              "a b:1", "u@a:1", "[x]:1", "a:01", "é:1"]),
        (names.Slug, ["a", "my-shop2", "a" * 40], ["", "A", "2a", "-a", "a-", "a_b", "a" * 41, "a\n", "é"]),
        (names.QueueName, ["a", " a ", '"\\\n\t{}', "é" * 200, "🐇", "a\u2028"],
         ["", " ", "a\0", "\x1b", "\ud800", "a" * 201, "\x7f", "\n", 1, None]),
        (names.LabelName, ["a", "_a", "A1"], ["", "__a", "1a", "a-b", "a:b", "é", "a\n"]),
        (names.EnvName, ["A", "_A1"], ["", "a", "1A", "A-B", "$A", "redis://x"]),
        (names.AbsPath, ["/a", "/run/secrets/x..y"], ["", "a", "/", "/a b", "/../x", "/a/..", "/a\n"]),
        (names.Url, ["http://a", "https://a.b:3000/c?d=e#f", "http://[::1]:80/"],
         ["", "a", "ftp://a", "http://", "http://u:p@a", "http://u@a", "http://a b", "http://a:99999", "http://[::1",
             'http://a"b']),
        (names.PathOrUrl, ["output/runbooks", "https://a/b", "a.md"],
         ["", "/a", "../a", "a/../b", "a b", "http://u:p@a"]),
        (names.VersionTag, ["3.5.3", "v1", "latest", "1@sha256:" + "a" * 64],
         ["", "a/b", "a:b", ".a", "1@sha256:1", 3.5]),
        (names.AppName, ["config", "a.b:c"], ["", "a/b", "a.", "a:b:c", "1a", "a b"]),
        (names.Release, ["5", "5.7", "0.12.2"], ["", "v5", "5.", "5.7rc1", 5.7]),
    ],
)  # fmt: skip
def test_texts(form: Any, good: list[object], bad: list[object]) -> None:
    adapter = TypeAdapter[Any](form)
    assert good == [adapter.validate_python(value) for value in good]
    assert [value for value in bad if _accepts(adapter, value)] == []


def _accepts(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True
