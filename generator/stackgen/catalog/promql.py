"""Small pieces of PromQL text: quoting, durations, selectors. Expressions themselves live in sources/ and signals/."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def text(value: str) -> str:
    """A double-quoted PromQL string literal that means exactly `value`."""
    plain = value.isprintable() and '"' not in value and "\\" not in value
    return f'"{value if plain else value.translate(_ESCAPES)}"'


def escape_regex(value: str) -> str:
    """A regular expression (RE2) that matches `value` and nothing else."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value)


def one_of(label: str, values: Iterable[str], *, negate: bool = False) -> str:
    """A matcher for a label that is (or, negated, is not) one of the exact values; "" when there are none."""
    exact = list(values)
    if not exact:
        return ""
    if len(exact) == 1:
        return f"{label}{'!=' if negate else '='}{text(exact[0])}"
    return f"{label}{'!~' if negate else '=~'}{text('|'.join(map(escape_regex, exact)))}"


def wildcard(pattern: str) -> str:
    """A regular expression for an ignore-list entry, in which only `*` at an end is special."""
    head, tail = pattern.startswith("*"), pattern.endswith("*") and len(pattern) > 1
    core = pattern[1 if head else 0 : -1 if tail else None]
    return f"{'.*' if head else ''}{escape_regex(core)}{'.*' if tail else ''}"


def like(label: str, pattern: str) -> str:
    """A matcher for a label that the wildcard pattern matches; a plain name is compared as it is."""
    return f"{label}=~{text(wildcard(pattern))}" if "*" in pattern else one_of(label, [pattern])


def any_of(label: str, patterns: Iterable[str]) -> str:
    """A matcher for a label that one of the wildcard patterns matches; "" when there are none."""
    wanted = list(patterns)
    if not any("*" in pattern for pattern in wanted):
        return one_of(label, wanted)
    return f"{label}=~{text('|'.join(map(wildcard, wanted)))}"


def narrow(selector: str, *matchers: str) -> str:
    """A plain selector with more matchers."""
    metric, _, inside = selector.partition("{")
    return select(metric, inside.removesuffix("}"), *matchers)


def none_of(label: str, patterns: Iterable[str], regexp: str = "") -> str:
    """A matcher for a label that no wildcard pattern and no regular expression matches; "" when there are none."""
    wanted = list(patterns)
    if len(wanted) == 1 and not regexp and "*" not in wanted[0]:
        return one_of(label, wanted, negate=True)
    all_of_them = "|".join([*([regexp] if regexp else []), *map(wildcard, wanted)])
    return f"{label}!~{text(all_of_them)}" if all_of_them else ""


def matching(pattern: str, name: str) -> str:
    """A text that the wildcard pattern matches and that contains the name where the pattern leaves room for it."""
    head, tail = pattern.startswith("*"), pattern.endswith("*") and len(pattern) > 1
    core = pattern[1 if head else 0 : -1 if tail else None]
    parts = (core, name) if tail else (name, core) if head else (core,)
    return " ".join(filter(None, parts))


def exactly(labels: Mapping[str, str]) -> tuple[str, ...]:
    """A matcher for each of these labels with this very value."""
    return tuple(f"{label}={text(value)}" for label, value in labels.items())


def select(metric: str, *matchers: str) -> str:
    """A selector such as `up{job="x"}`; empty matchers are left out."""
    inside = ",".join(m for m in matchers if m)
    return f"{metric}{{{inside}}}" if inside else metric


@lru_cache(maxsize=1024)
def seconds(value: Fraction | int) -> str:
    """A Prometheus duration such as `90s`, `10m`, `1h30m`, `500ms`; "0s" for zero."""
    ms = Fraction(value) * 1000
    if ms.denominator != 1:
        message = f"{value} s is finer than a millisecond"
        raise ValueError(message)
    rest, parts = int(ms), []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def number(value: Fraction | int) -> str:
    """The shortest decimal text of an exact number, without exponent: 99.9 % is 0.999, not 0.9990000000000001."""
    if value.denominator == 1:
        return str(value.numerator)
    fraction = Fraction(value)
    for digits in range(1, 19):
        scaled = fraction * 10**digits
        if scaled.denominator == 1:
            sign, units = ("-" if scaled < 0 else ""), str(abs(scaled.numerator)).rjust(digits + 1, "0")
            return f"{sign}{units[:-digits]}.{units[-digits:]}"
    return repr(float(fraction))


def copy_labels(expr: str, copies: Mapping[str, str]) -> str:
    """`expr` with each label named by a key copied from the label named by its value.

    label_join over one label is a plain copy; the `.` of label_replace's regular expression skips newlines.
    """
    for target, source in copies.items():
        if target != source:
            expr = f'label_join({expr}, "{target}", "", "{source}")'
    return expr
