"""The bytes of a stack.yaml and their text, before anything is known of YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from stackgen.problem import Mark, Problem, SpecError

MAX_BYTES = 8 * 1024 * 1024

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(path: Path) -> bytes:
    """The bytes of the file; raises SpecError when it cannot be read or is too large."""
    mark = Mark(str(path).replace("\0", "\\0"))
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        _stop(mark, "no-file", "there is no such file", "`stackgen init` writes a first one; --stack names another")
    except IsADirectoryError:
        hint = f"name the file in it: {path / 'stack.yaml'}; `stackgen generate {path}` takes all of them"
        _stop(mark, "no-file", "this is a directory", hint)
    except PermissionError:
        _stop(mark, "unreadable", "no permission to read this file", f"chmod u+r {path}")
    except (OSError, ValueError) as e:
        _stop(mark, "unreadable", f"cannot be read: {getattr(e, 'strerror', None) or e}")
    if len(data) > MAX_BYTES:
        _stop(mark, "too-large", "the file is larger than 8 MiB", "is this really the stack's specification?")
    return data


def decode(data: bytes, file: str) -> str:
    """The text of the bytes; raises SpecError when they are not UTF-8, or hold control characters."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        before = data[: e.start].decode("utf-8-sig")
        mark = Mark(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        kind = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "not UTF-8"
        _stop(mark, "not-utf8", f"expected text in UTF-8, got byte 0x{data[e.start]:02x} (the file is {kind})",
              "save the file as UTF-8")  # fmt: skip
    bad = [
        Problem(
            Mark(file, text.count("\n", 0, m.start()) + 1, m.start() - text.rfind("\n", 0, m.start())),
            "control-character", "", f"a text file has no character U+{ord(m[0]):04X}",
            r'remove it; inside double quotes it may be written as an escape such as "\x1b"',
        )
        for m, _ in zip(_UNPRINTABLE.finditer(text), range(10), strict=False)
    ]  # fmt: skip
    if bad:
        raise SpecError(bad)
    return text


def _stop(mark: Mark, rule: str, message: str, hint: str = "") -> NoReturn:
    raise SpecError([Problem(mark, rule, "", message, hint)])
