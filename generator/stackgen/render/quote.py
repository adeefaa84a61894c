"""The only place that quotes: a value becomes YAML, JSON, Python, Markdown, dotenv or Alloy that reads back equal."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import NamedTuple

from pydantic_core import to_json

# Plain YAML is used only where PyYAML (YAML 1.1), yaml.v2 and yaml.v3 (Prometheus, Loki, compose) all read text.
_WORD = r"[A-Za-z0-9_./()%+*=<>@;$&~^!-]"
_FLOW_WORD = r"[A-Za-z0-9_./()%+=<>@;$~^-]"
_NUMBERED = r"(?:[0-9]+(?:ms|[smhdwy]))+"
_PLAIN = re.compile(rf"[A-Za-z_/]{_WORD}*(?::{_WORD}+)*(?: {_WORD}+(?::{_WORD}+)*)*|{_NUMBERED}")
_FLOW_PLAIN = re.compile(rf"[A-Za-z_/]{_FLOW_WORD}*(?: {_FLOW_WORD}+)*|{_NUMBERED}")
_YAML_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
# What a YAML stream may not hold as it is, or some reader takes for a line break or byte order mark.
# Named by what is bad: a class of all that is good takes Python 6 ms to compile.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_UNPRINTABLE_IN_BLOCK = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SHORT = 60
_LONG = 100


class _Language(NamedTuple):
    """How a language writes text, None, True, False, and what stands between key and value."""

    text: Callable[[str], str]
    none: str = "null"
    true: str = "true"
    false: str = "false"
    colon: str = ": "


def exact(value: str) -> str:
    """The text itself, without its subclass (an enum, say). Raises ValueError for half of a surrogate pair."""
    text = value if type(value) is str else str.__str__(value)
    if not text.isascii():
        text.encode()
    return text


def _data(value: object, language: _Language) -> str:
    match value:
        case str():
            return language.text(value)
        case None | bool():
            return {None: language.none, True: language.true, False: language.false}[value]
        case int():
            return int.__repr__(value)
        case float():
            return _float(value)
        case list() | tuple() if not hasattr(value, "_fields"):  # a record is no list
            return "[" + ", ".join(_data(item, language) for item in value) + "]"
        case dict() | Mapping():  # dict first: asking an abstract class costs as much as printing
            pairs = (_data(key, language) + language.colon + _data(item, language) for key, item in value.items())
            return "{" + ", ".join(pairs) + "}"
        case _:
            message = (
                f"cannot print a {type(value).__name__}; give text, number, bool, None, or lists and dicts of these"
            )
            raise TypeError(message)


def _float(value: float) -> str:
    if not math.isfinite(value):
        message = f"{value} is not a finite number"
        raise ValueError(message)
    text = float.__repr__(value)
    # YAML 1.1 reads 1e+20 as text: its floats need a dot.
    return text if "." in text else text.replace("e", ".0e", 1)


def as_yaml(value: object) -> str:
    """One line of YAML: text plain where surely safe, else in single, else in double quotes; collections in flow."""
    return _yaml_text(value, _PLAIN) if isinstance(value, str) else _data(value, _YAML)


def _yaml_text(value: str, plain: re.Pattern[str]) -> str:
    text = exact(value)
    if plain.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    if not _UNPRINTABLE.search(text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + _UNPRINTABLE.sub(_yaml_escape, text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _yaml_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _ESCAPES.get(match[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def yaml_block(value: str, indent: int) -> str:
    """YAML literal block with lines `indent` spaces deep, for long or many-line text; a scalar where only that is safe.

    A literal block keeps any printable line, but not leading spaces of the first line nor blank lines at the end.
    """
    text = exact(value)
    body = text.removesuffix("\n")
    short = len(text) <= _SHORT or (len(text) <= _LONG and _PLAIN.fullmatch(text))
    if ("\n" not in text and short) or _UNPRINTABLE_IN_BLOCK.search(text):
        return as_yaml(text)
    if body[:1] in {"", " ", "\n"} or not body.rpartition("\n")[2].strip(" "):
        return as_yaml(text)
    pad = " " * indent
    lines = [pad + line if line else "" for line in body.split("\n")]
    return "\n".join(["|-" if body == text else "|", *lines])


def yaml_lines(value: object, indent: int = 0) -> str:
    """Data as lines of YAML, each key and item on its own, `indent` spaces deep from the second line on."""
    pad = "\n" + " " * indent
    if isinstance(value, Mapping) and value:
        return pad.join(f"{as_yaml(key)}:{_yaml_below(item, indent + 2)}" for key, item in value.items())
    if isinstance(value, list | tuple) and value:
        return pad.join(f"- {yaml_lines(item, indent + 2)}" for item in value)
    return yaml_block(value, indent) if isinstance(value, str) else as_yaml(value)


def _yaml_below(value: object, indent: int) -> str:
    nested = isinstance(value, Mapping | list | tuple) and value
    return (f"\n{' ' * indent}" if nested else " ") + yaml_lines(value, indent)


class DuplicateKey(ValueError):
    """A JSON object has a key twice; most readers would keep the last and say nothing."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key!r} is written twice")


def as_json(value: object) -> str:
    """One line of JSON; letters outside ASCII stand as they are."""
    return encode_basestring(exact(value)) if isinstance(value, str) else _data(value, _JSON)


def parse_json(text: str) -> object:
    """The data of a JSON text. Raises ValueError for bad syntax, NaN, infinities and a key written twice."""
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)


def canonical_json(text: str) -> str:
    """The same JSON laid out in the one way: indent 2, letters as they are, a newline at the end."""
    return to_json(parse_json(text), indent=2).decode() + "\n"  # five times as fast as json.dumps with an indent


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise DuplicateKey(next(key for key in keys if keys.count(key) > 1))
    return found


def _no_constant(name: str) -> object:
    message = f"{name} is not JSON"
    raise ValueError(message)


def as_python(value: object) -> str:
    """A Python literal; text in double quotes unless that costs an escape."""
    return _python_text(value) if isinstance(value, str) else _data(value, _PYTHON)


def _python_text(value: str) -> str:
    literal = repr(exact(value))
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in literal else literal


def python_source(value: str) -> str:
    """Python that stands in our own modules, as it is; like every file, the one it is printed in is read back."""
    return exact(value)


def as_alloy(value: object) -> str:
    """A literal of Grafana Alloy's language; its strings take JSON's escapes."""
    return encode_basestring(exact(value)) if isinstance(value, str) else _data(value, _ALLOY)


def as_dotenv(value: object) -> str:
    """Right side of `NAME=` in an environment file, as docker compose reads it: bare, 'verbatim' or "escaped"."""
    text = exact(value) if isinstance(value, str) else _data(value, _JSON)
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,-]*", text):
        return text
    if _UNPRINTABLE_IN_BLOCK.search(text):
        message = f"{text!r} has control characters, which an environment file cannot hold"
        raise ValueError(message)
    if not re.search(r"['\\\n]", text):
        return f"'{text}'"
    return '"' + re.sub(r'[\\"$]', r"\\\g<0>", text).replace("\n", "\\n") + '"'


def as_comment(value: object) -> str:
    """One line for a comment: what would end the line, or hide in it, becomes a space."""
    text = exact(value) if isinstance(value, str) else _data(value, _JSON)
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def as_html_comment(value: object) -> str:
    """One line for the inside of `<!-- -->`, which two hyphens or an angle bracket could end."""
    return re.sub(r"-(?=-)", "- ", as_comment(value)).replace(">", "&gt;")


# In text: what starts emphasis, code, a link, HTML, an entity, or a table cell; `_` only at the edge of a word.
# All begin with one set of characters, which is searched for four times as fast as one pattern after the other.
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~&_](?:(?<![&_])|(?<=&)(?=#?\w+;)|(?<=_)(?!(?<=\w_)\w))")
_MARKDOWN_START = re.compile(r"\A(\d+(?=[.)](?:\s|$))|(?=[#+=-]))")


def as_markdown(value: object) -> str:
    """Text for a Markdown line, heading or table cell: nothing in it is markup, and line breaks become spaces."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        message = f"cannot print a {type(value).__name__} as Markdown; give text or a number"
        raise TypeError(message)
    if not isinstance(value, str):
        return _data(value, _JSON)
    return _MARKDOWN_START.sub(r"\1\\", _MARKDOWN.sub(r"\\\g<0>", as_comment(value)))


def markdown_prose(value: str) -> str:
    """Markdown that the catalogue's author wrote: paragraphs, lists, `code` pass; HTML does not, outside code."""
    parts = re.split(r"(`+[^`]+`+)", exact(value).strip())
    return "".join(part if i % 2 else re.sub(r"<(?=[A-Za-z/!?])", r"\\<", part) for i, part in enumerate(parts))


def markdown_code(value: object) -> str:
    """A code span; fenced by more backticks than the text has, so none of it is markup. A table's `|` is escaped."""
    text = as_comment(value)
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    gap = " " if not text or text[0] in "` " or text[-1] in "` " else ""
    return ticks + gap + text.replace("|", "\\|") + gap + ticks


def markdown_fence(value: str, language: str = "") -> str:
    """A fenced code block; the fence is longer than any run of backticks inside."""
    text = exact(value).rstrip("\n")
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{ticks}{language}\n{text}\n{ticks}"


def markdown_link(value: object, url: str) -> str:
    """`[text](<url>)`; what could end the address is percent-encoded."""
    safe = re.sub(r"[\s<>\\()]|[\x00-\x1f]", lambda found: f"%{ord(found[0]):02X}", exact(url))
    return f"[{as_markdown(value)}]({safe})"


_YAML = _Language(text=lambda value: _yaml_text(value, _FLOW_PLAIN))
_JSON = _Language(text=as_json)
_PYTHON = _Language(text=_python_text, none="None", true="True", false="False")
_ALLOY = _Language(text=as_alloy, colon=" = ")
