"""Bytes of stack.yaml to a Document. The only reader of YAML; knows nothing of our fields."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from stackgen import stack_file
from stackgen.document import Document, Node, Place, shown, where
from stackgen.problem import Mark, Problem, SpecError

MAX_DEPTH = 100
MAX_VALUES = 1_000_000

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's binding where PyYAML was built with it: eight times faster on a large spec."""
# YAML 1.2 core schema, narrowed: what YAML 1.1 would also read as a number, date or boolean stays the text it is.
_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6}")
_SURROGATE = re.compile("[\ud800-\udfff]")


def load(path: Path) -> Document:
    """Read a file; raises SpecError with every mistake of the YAML found, and nothing else."""
    file = str(path)
    data = stack_file.read(path)
    builder = _Builder(file)
    builder.run(stack_file.decode(data, file))
    if builder.problems:
        raise SpecError(builder.problems)
    root = builder.root
    if root is None or root.value is None:
        _stop(Mark(file), "empty", "the file has no content", "`stackgen init` writes a first stack.yaml")
    if root.keys is None:
        mark = Mark(file, root.line, root.column)
        got = "a list" if root.text is None else shown(root.text)
        _stop(
            mark,
            "not-a-mapping",
            f"expected keys such as `version:` and `stack:` at the top, got {got}",
            "the first line is `version: 1`",
        )
    return Document(file, hashlib.sha256(data).hexdigest(), root)


def values(text: str, file: str) -> tuple[Any, list[Problem]]:
    """The plain data of a text in our narrow YAML, and what is wrong with it; for texts that are not stack.yaml."""
    builder = _Builder(file)
    builder.run(text)
    return (builder.root.value if builder.root else None), builder.problems


def _stop(mark: Mark, rule: str, message: str, hint: str = "") -> NoReturn:
    raise SpecError([Problem(mark, rule, "", message, hint)])


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read."""

    place: Place
    anchor: str | None
    value: Any
    kids: Any
    keys: dict[str, Place] | None
    key: str | None = None
    at_key: bool = True
    size: int = 1


class _Builder:
    """Parser events to Nodes, without recursion, so that no file can exhaust the stack."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.stack: list[_Frame] = []
        self.anchors: dict[str, Node | None] = {}

    def run(self, text: str) -> None:
        try:
            self._events(yaml.parse(text, Loader=LOADER))
        except yaml.MarkedYAMLError as e:
            self.problems.append(_syntax(e, self.file, text))
        except yaml.YAMLError as e:
            self.problems.append(Problem(Mark(self.file), "yaml-syntax", "", f"not valid YAML: {shown(str(e))}"))

    def _events(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if not self._open(event, kind is yaml.MappingStartEvent):
                    return
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._problem(event, "many-documents", "expected one document, got a second one after `---`",
                                  "one file describes one stack; use `--stack` for another file")  # fmt: skip
                    return
            if self.stack and self.stack[-1].size > MAX_VALUES:
                self._problem(event, "too-many-values", f"expected at most {MAX_VALUES:,} values, aliases included")
                return

    def _problem(self, event: Any, rule: str, message: str, hint: str = "") -> None:
        mark = Mark(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        steps = (len(f.kids) if f.keys is None else f.key for f in self.stack)
        path = where(tuple(step for step in steps if step is not None))
        self.problems.append(Problem(mark, rule, path, message, hint))

    def _tag(self, event: Any) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        hint = "remove the tag; what stands in quotes is text, what does not may be a number"
        self._problem(event, "tag", f"expected a plain value, got the tag {shown(tag)}", hint)

    def _scalar(self, event: Any) -> None:
        if event.tag is not None:
            self._tag(event)
        text, mark = event.value, event.start_mark
        quoted = not event.implicit[0]
        if quoted and _SURROGATE.search(text):  # libyaml refuses this itself, PyYAML's own parser does not
            self._problem(event, "yaml-syntax", "not valid YAML: found invalid Unicode character escape code")
        node = Node(text if quoted else _plain(text), mark.line + 1, mark.column + 1, text, quoted)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self._add(node, event)

    def _open(self, event: Any, mapping: bool) -> bool:
        if event.tag is not None:
            self._tag(event)
        if len(self.stack) == MAX_DEPTH:
            self._problem(event, "too-deep", f"values are nested more than {MAX_DEPTH} levels deep")
            return False
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if mapping:
            self.stack.append(_Frame(place, event.anchor, {}, {}, {}))
        else:
            self.stack.append(_Frame(place, event.anchor, [], [], None))
        return True

    def _close(self, event: Any) -> None:
        f = self.stack.pop()
        node = Node(f.value, *f.place, None, False, f.kids, f.keys, f.size)
        if f.anchor is not None:
            self.anchors[f.anchor] = node
        self._add(node, event)

    def _alias(self, event: Any) -> None:
        node = self.anchors.get(event.anchor)
        if node is None:
            reason = (
                "stands inside the value it names" if event.anchor in self.anchors else "names no anchor (`&`) above it"
            )
            hint = "" if event.anchor in self.anchors else "text that starts with * needs quotes"
            self._problem(event, "alias", f"the alias *{shown(event.anchor, quote=False)} {reason}", hint)
        # Where the alias stands is where the value is written for this path.
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        self._add(Node(None, *place) if node is None else node._replace(line=place[0], column=place[1]), event)

    def _add(self, node: Node, event: Any) -> None:
        if not self.stack:
            self.root = node
            return
        f = self.stack[-1]
        if f.keys is None:
            f.value.append(node.value)
            f.kids.append(node)
        elif f.at_key:
            f.at_key, f.key = False, None
            f.key = self._key(node, event, f.keys)
            return
        else:
            f.at_key = True
            if f.key is not None:
                f.value[f.key] = node.value
                f.kids[f.key] = node
        f.size += node.size

    def _key(self, node: Node, event: Any, keys: dict[str, Place]) -> str | None:
        """The key, or None when it cannot be used, so that its value is read but dropped."""
        key = node.value
        if not isinstance(key, str):
            got = "a mapping or list" if node.text is None else shown(node.text, quote=False) or "nothing"
            hint = f'write it in quotes: "{got}"' if node.text else ""
            self._problem(event, "key-not-text", f"expected text as a key, got {got}", hint)
        elif key == "<<" and not node.quoted:
            hint = "repeat the keys, or use an alias for the whole value"
            self._problem(event, "merge-key", "merge keys (`<<`) are not supported", hint)
        elif key in keys:
            line, column = keys[key]
            self._problem(event, "duplicate-key", f"the key {shown(key)} is already at line {line}, column {column}",
                          "keep one of the two")  # fmt: skip
        else:
            keys[key] = (node.line, node.column)
            return key
        return None


def _plain(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in "-0123456789":
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
    return text


# The parser's words -> what to do about it. First match wins; both libyaml's and PyYAML's wordings are covered.
_REMEDIES = (
    ("mapping values are not allowed", "is the line above indented right? Text with `: ` in it needs quotes"),
    ("alias", "text that starts with * needs quotes"),
    ("anchor", "text that starts with & needs quotes"),
    ("quoted scalar", "a quote is opened and not closed"),
    ("could not find expected ':'", "a key is followed by a colon and a space"),
    ("cannot start any token", "text that starts with this character needs quotes"),
    ("flow", "a bracket is opened and not closed, or a comma is missing"),
    ("tag", "text that starts with ! needs quotes"),
    ("block", "keys of one mapping start in the same column; is a quote or colon missing above?"),
)  # fmt: skip


_COMMENT = re.compile(r": +(?=#\S)")
"""Where a value was meant and a comment begins."""


def _line(text: str, at: Any) -> str:
    """The line of a mark; nothing where YAML counts more lines than there are newlines."""
    lines = text.split("\n")
    return lines[at.line] if at and at.line < len(lines) else ""


def _syntax(e: yaml.MarkedYAMLError, file: str, text: str) -> Problem:
    at: Any = e.problem_mark or e.context_mark
    mark = Mark(file, at.line + 1, at.column + 1) if at else Mark(file)
    line = _line(text, at)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Problem(mark, "tab", "", "this line is indented with a tab", "YAML is indented with spaces only")
    said = f"{e.context or ''} {e.problem or ''}"
    if "quoted scalar" in said and e.context_mark:
        mark = Mark(file, e.context_mark.line + 1, e.context_mark.column + 1)
    if "flow" in said and e.context_mark and (begun := _COMMENT.search(_line(text, e.context_mark))):
        mark = Mark(file, e.context_mark.line + 1, begun.end() + 1)
        message = "the bracket is never closed: the rest of this line is a comment"
        return Problem(mark, "yaml-syntax", "", message, 'write text that begins with # in quotes, "#celery"')
    hint = next((hint for words, hint in _REMEDIES if words in said), "")
    return Problem(mark, "yaml-syntax", "", f"not valid YAML: {shown(e.problem or said, quote=False)}", hint)
