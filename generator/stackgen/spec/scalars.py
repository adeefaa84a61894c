"""The numbers of stack.yaml, one type each. Only here is what a person writes (`5%`, `10m`) turned into units.

A value that does not fit raises a PydanticCustomError whose type is the rule id, and whose context holds what was
`expected` and a `hint`; messages.py makes the sentence.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple, NoReturn, Self

from pydantic import AfterValidator, GetCoreSchemaHandler, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from stackgen.catalog import promql

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,8})s)?(?:(\d{1,9})ms)?"
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_NUMBER = r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?"


QUOTE = "write it in quotes"
"""Hint for a number or boolean where text was wanted; messages.py adds the user's own text."""


def refuse(rule: str, expected: str, hint: str = "") -> NoReturn:
    """Raise the error of a value that does not fit."""
    raise PydanticCustomError(rule, "expected {expected}", {"expected": expected, "hint": hint})


class Duration(NamedTuple):
    """A length of time, exact to the millisecond: `Duration.of("1h30m")`."""

    milliseconds: int

    @classmethod
    def of(cls, text: str) -> Self:
        """From text such as 30s, 10m, 1h30m, 2d or 500ms, units falling; raises PydanticCustomError."""
        found = re.fullmatch(_DURATION, text, re.ASCII)
        if not found or not text:
            refuse("duration", "a duration such as 30s, 10m or 1h30m", _duration_hint(text))
        return cls(sum(int(n) * unit for n, unit in zip(found.groups(), _UNITS.values(), strict=True) if n))

    @property
    def seconds(self) -> Fraction:
        """The length in seconds, exact."""
        return Fraction(self.milliseconds, 1000)

    @property
    def prom(self) -> str:
        """Prometheus's way to write it, shortest form: `10m`, `1h30m`, `0s`."""
        return promql.seconds(self.seconds)

    def __str__(self) -> str:
        return self.prom

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.str_schema(pattern=r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$", min_length=2)
        return core_schema.no_info_plain_validator_function(
            _duration, json_schema_input_schema=written, serialization=core_schema.to_string_ser_schema()
        )


def _duration(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return Duration.of(value)
    hint = f"write the unit: {value}s or {value}m" if _is_number(value) else ""
    refuse("duration", "a duration such as 30s, 10m or 1h30m", hint)


def _duration_hint(text: str) -> str:
    if re.fullmatch(r"[0-9.]+", text):
        return f"write the unit: {text}s or {text}m"
    if re.fullmatch(r"(\d+):(\d\d)(:\d\d)?", text):
        return "write hours, minutes and seconds as 1h30m15s"
    if re.fullmatch(r"\d*\.\d+(ms|[dhms])", text):
        return "no fractions: write 90s, or 1m30s, for 1.5m"
    return "units are d, h, m, s and ms, the largest first, without spaces"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def between(low: str, high: str) -> AfterValidator:
    """Limits of a Duration, both included."""
    least, most = Duration.of(low), Duration.of(high)

    def check(value: Duration) -> Duration:
        if not least <= value <= most:
            refuse("duration-range", f"a duration from {low} to {high}")
        return value

    return AfterValidator(check)


def whole_days() -> AfterValidator:
    """Only full days: what deletes by the day cannot be more exact."""
    day = Duration.of("1d").milliseconds

    def check(value: Duration) -> Duration:
        if value.milliseconds % day:
            refuse("whole-days", "whole days such as 30d")
        return value

    return AfterValidator(check)


Kind = Literal["number", "ratio", "seconds", "per_second"]


class Quantity(NamedTuple):
    """The number of a threshold in base units, what kind the user made it, and the user's text."""

    value: Decimal
    kind: Kind
    text: str

    @classmethod
    def of(cls, raw: object) -> Self:
        """From a number, `5%`, `10m` or `10/s`; raises PydanticCustomError."""
        if _is_number(raw):
            text = str(raw)
            if not text.startswith("-"):
                return cls(Decimal(text), "number", text)
        if not isinstance(raw, str):
            refuse("number", "a number, 5%, 10m or 10/s", "a threshold is 0 or more" if _is_number(raw) else "")
        if re.fullmatch(_NUMBER + "%", raw):
            return cls(Decimal(raw[:-1]) / 100, "ratio", raw)
        if re.fullmatch(_NUMBER + "/s", raw):
            return cls(Decimal(raw[:-2]), "per_second", raw)
        if raw and re.fullmatch(_DURATION, raw, re.ASCII):
            return cls(Decimal(Duration.of(raw).milliseconds) / 1000, "seconds", raw)
        refuse("number", "a number, 5%, 10m or 10/s", _quantity_hint(raw))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda raw: raw if isinstance(raw, cls) else cls.of(raw),
            json_schema_input_schema=core_schema.union_schema(
                [
                    core_schema.float_schema(ge=0),
                    core_schema.str_schema(pattern=r"^([0-9]+(\.[0-9]+)?(%|/s)|(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$"),
                ]
            ),
        )


def _quantity_hint(text: str) -> str:
    number = decimal_form(text)
    if number is not None:
        return f"YAML reads {text} as text; write {number}"
    if re.fullmatch(_NUMBER, text):
        return f"a number is written without quotes: {text}"
    for plain in (text.replace("_", ""), text.replace(",", ""), "".join(text.replace("percent", "%").split())):
        if plain != text and re.fullmatch(_NUMBER + "(%|/s|ms|[dhms])?", plain):
            return f"write {plain}"
    if found := re.fullmatch(r"[<>]=?\s*([0-9.]+(?:%|/s|ms|[dhms])?)", text):
        return f"write {found[1]}; each signal knows on which side of it is bad"
    if found := re.fullmatch(r"([0-9]+)(k|K|M)", text):
        return f"write {int(found[1]) * _SIZES[found[2].replace('K', 'k')]}"
    if found := re.fullmatch(r"([0-9]+) *(sec|second|min|minute|hour|day)s?", text):
        return f"write {found[1]}{found[2][0]}"
    for pattern, hint in _QUANTITY_HINTS.items():
        if re.fullmatch(pattern, text, re.ASCII):
            return hint
    return ""


_QUANTITY_HINTS = {
    r"[0-9.]+/(m|min|h|d)": "a rate is per second, such as 0.5/s",
    r"\d+(:\d\d)+": "write a duration as 12m30s",
    r"[0-9.]{16,}": "a number has at most 15 digits, and 6 after the point",
    r"-.*": "a threshold is 0 or more",
    r"(off|no|none|disabled)": "`never` switches a severity off",
}


def decimal_form(text: str) -> str | None:
    """How to write 1e3, 0x1F, 0o17, +5, 08 or .5 so that YAML reads a number; None for all else."""
    if re.fullmatch(r"[+]?(\d{1,9}(\.\d{0,6})?|\.\d{1,6})([eE][+-]?\d)?", text, re.ASCII):
        plain = f"{Decimal(text).normalize():f}"
    elif re.fullmatch(r"0x[0-9a-fA-F]{1,12}|0o[0-7]{1,12}|0b[01]{1,12}", text):
        plain = str(int(text, 0))
    else:
        return None
    return plain if plain != text and re.fullmatch(_NUMBER, plain) and not re.fullmatch(_NUMBER, text) else None


def _limit(raw: object) -> Quantity | Literal["never"]:
    return "never" if raw == "never" else Quantity.of(raw)


Limit = Annotated[
    Quantity | Literal["never"],
    PlainValidator(_limit, json_schema_input_type=Quantity | Literal["never"]),
]
"""A threshold, or the word `never`."""


def _bytes(value: object) -> int:
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(|[kMGT]|[KMGT]i)B", value) if isinstance(value, str) else None
    size = int(Decimal(found[1]) * _SIZES[found[2]]) if found else 0
    if not size:
        hint = f"write the unit: {value}MiB" if _is_number(value) else "units are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"
        refuse("bytes", "a size such as 512MiB or 1.5GiB", hint)
    return size


def _size(value: int) -> str:
    """The shortest exact form: 1.5GiB, 512MB."""
    forms = [f"{Decimal(value) / size:f}{unit}B" for unit, size in _SIZES.items()]
    return min((form for form in forms if re.fullmatch(r"[0-9]+(\.[0-9]{1,3})?\D+", form)), key=len)


Bytes = Annotated[
    int,
    PlainValidator(_bytes),
    PlainSerializer(_size, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?([kMGT]|[KMGT]i)?B$"}),
]
"""A size in bytes, more than 0."""


def _share(value: object) -> float:
    number = -1.0
    if isinstance(value, str) and re.fullmatch(_NUMBER + "%", value):
        number = float(Decimal(value[:-1]) / 100)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    if not 0 <= number <= 1:
        refuse("share", "a share from 0 to 1, such as 0.1 or 10%")
    return number


Share = Annotated[
    float,
    PlainValidator(_share),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": "%$"}]}),
]
"""A share of the whole, from 0 to 1."""
