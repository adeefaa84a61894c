"""One name for a stack and its environment, wherever something may meet that of another stack."""

from __future__ import annotations

from hashlib import sha256

_DIGITS = 12
_CUT = "---"
"""Before the digits of a name that was cut: no other name has three hyphens in a row."""


def joined(*parts: str, longest: int | None = None) -> str:
    """The parts with a hyphen between them and each of their own doubled: other parts never give the same name.

    Parts neither begin nor end with a hyphen, as the names of stacks do. A name of more than `longest` characters is
    cut and ends in a digest of the whole. Letters, digits and hyphens stay what they are.
    """
    name = "-".join(part.replace("-", "--") for part in parts)
    if longest is None or len(name) <= longest:
        return name
    start = name[: longest - _DIGITS - len(_CUT)].rstrip("-")
    return f"{start}{_CUT}{sha256(name.encode()).hexdigest()[:_DIGITS]}"
