"""Reads Grafana Alloy's language as far as our files use it: blocks, attributes, literals, references; no operators.

Source: https://grafana.com/docs/alloy/latest/get-started/configuration-syntax/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<blank>[ \t]+|//[^\n]*)|(?P<line>\n)|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?)"""
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[{}\[\],=.])"
)
_WORDS = {"true": True, "false": False, "null": None}


class Unreadable(Exception):
    """The text is no Alloy of ours."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Reference(NamedTuple):
    """The value of another component, such as loki.write.loki.receiver."""

    name: str


@dataclass
class Block:
    """A block, or, without a name, the whole file."""

    name: str = ""
    label: str | None = None
    line: int = 1
    attributes: dict[str, object] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def parse(text: str) -> Block:
    """The whole file. Raises Unreadable."""
    return _Reader(list(_tokens(text))).whole()


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable(line, f"cannot read {text[at : at + 20].splitlines()[0]!r}")
        if found.lastgroup != "blank":
            yield _Token(str(found.lastgroup), found[0], line)
        line += found[0].count("\n")
        at = found.end()
    yield _Token("end", "the end of the file", line)


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Block:
        found = Block()
        self._body(found, "end")
        return found

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _take(self, text: str) -> bool:
        """Steps over a sign, when it is the next."""
        if self._tokens[self._at].text != text or self._tokens[self._at].kind not in ("sign", "line"):
            return False
        self._at += 1
        return True

    def _want(self, text: str) -> None:
        if not self._take(text):
            token = self._tokens[self._at]
            raise Unreadable(token.line, f"expected {text!r}, got {token.text!r}")

    def _lines(self) -> None:
        while self._take("\n"):
            pass

    def _body(self, into: Block, end: str) -> None:
        """Attributes and blocks, each on a line of its own, up to the closing brace or the end of the file."""
        self._lines()
        while (token := self._next()).text != end and token.kind != end:
            if token.kind != "name":
                raise Unreadable(token.line, f"expected a name, got {token.text!r}")
            if self._take("="):
                if token.text in into.attributes:
                    raise Unreadable(token.line, f"{token.text} is set twice")
                into.attributes[token.text] = self._value()
            else:
                into.blocks.append(self._block(token))
            if self._tokens[self._at].kind != "end" and self._tokens[self._at].text != end:
                self._want("\n")
            self._lines()

    def _block(self, first: _Token) -> Block:
        name = first.text + self._dotted()
        label = None
        if self._tokens[self._at].kind == "text":
            label = str(_unquoted(self._next()))
        found = Block(name, label, first.line)
        self._want("{")
        self._body(found, "}")
        return found

    def _dotted(self) -> str:
        found = ""
        while self._take("."):
            token = self._next()
            if token.kind != "name":
                raise Unreadable(token.line, f"expected a name after the dot, got {token.text!r}")
            found += f".{token.text}"
        return found

    def _value(self) -> object:
        token = self._next()
        match token.kind, token.text:
            case "text", _:
                return _unquoted(token)
            case "number", text:
                return float(text) if "." in text else int(text)
            case "name", text if text in _WORDS:
                return _WORDS[text]
            case "name", text:
                return Reference(text + self._dotted())
            case "sign", "[":
                return self._list()
            case "sign", "{":
                return self._map()
            case _:
                raise Unreadable(token.line, f"expected a value, got {token.text!r}")

    def _list(self) -> list[object]:
        found: list[object] = []
        self._lines()
        while not self._take("]"):
            found.append(self._value())
            self._separated("]")
        return found

    def _map(self) -> dict[str, object]:
        found: dict[str, object] = {}
        self._lines()
        while not self._take("}"):
            key = self._next()
            name = str(_unquoted(key)) if key.kind == "text" else key.text
            if key.kind not in ("text", "name") or name in found:
                raise Unreadable(key.line, f"expected a new key, got {key.text!r}")
            self._want("=")
            found[name] = self._value()
            self._separated("}")
        return found

    def _separated(self, end: str) -> None:
        """A comma after each item; only before the closing sign on the same line may it be left out."""
        if self._take(","):
            self._lines()
        elif self._tokens[self._at].text != end:
            self._want(",")


def _unquoted(token: _Token) -> object:
    try:
        return json.loads(token.text)
    except ValueError as error:
        raise Unreadable(token.line, f"{token.text} is not a text of Alloy") from error
