"""Changes as a person reads them in a terminal, in a pull request, and as a program does."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple

from stackgen.diff.fact import Change, Difference
from stackgen.render import quote

Style = Literal["text", "markdown", "json"]
_LONGEST = 100
_MOST_ITEMS = 5
_MOST_SUBJECTS = 3
_MOST_OF_A_FILE = 12
"""More changed values than this in one file without a reader of its own are counted, not listed."""


def render(difference: Difference, style: Style) -> str:
    """The whole report; empty when nothing changes, but for JSON's empty list and a sentence in Markdown."""
    if style == "json":
        listed = [_as_json(change, subject) for change in difference.changes for subject in change.subjects]
        return json.dumps(listed, indent=2, ensure_ascii=False) + "\n"
    changes, more = _capped(difference.changes)
    closing = [*more, *_closing(difference)]
    if style == "text":
        return "".join(f"{line}\n" for line in [*map(line_of, changes), *closing])
    if not difference:
        return "The generated files stay as they are.\n"
    table = ["| Severity | What | Before | After |", "|---|---|---|---|", *map(_row, changes)] if changes else []
    below = [line if not table else f"\n{line}" for line in map(quote.as_markdown, closing)]
    return "".join(f"{line}\n" for line in [*table, *below])


class _Told(NamedTuple):
    """A change in pieces: about what, what of it, and the two values; or, instead of values, a word."""

    subject: str
    aspect: str
    before: str = ""
    after: str = ""
    word: str = ""


def line_of(change: Change) -> str:
    """One line of plain text."""
    told = _told(change)
    head = " ".join(part for part in (told.subject, told.aspect) if part)
    if told.word:
        return f"{head}: {told.word}"
    return f"{head}{':' if ':' in _punctuated(change) else ''} {told.before} → {told.after}"


def _punctuated(change: Change) -> str:
    """A path of a structured file ends in a colon, a setting that people know does not."""
    return ":" if change.subjects[0].count("/") or change.subjects[0].endswith((".yml", ".yaml", ".json")) else ""


def _told(change: Change, *, level: bool = True) -> _Told:
    subject = _subject(change, level=level)
    match change.kind:
        case "presence":
            return _Told(subject, "", word=_presence(change))
        case "text":
            return _Told(subject, "", word="text changed")
        case "expression":
            return _Told(subject, "", word=_expression(change))
        case "lines":
            return _Told(subject, "", word=_lines(change.before or "", change.after or ""))
        case "members":
            return _members(change, subject)
        case "value":
            absent = "not judged" if change.aspect == "threshold" else "none"
            before, after = (absent if v is None else _value(v) for v in (change.before, change.after))
            return _Told(subject, _aspect(change), before, after)


def _subject(change: Change, *, level: bool = True) -> str:
    names = [_plain(name) for name in change.subjects]
    if change.kind == "presence" and change.group == "exporter":
        names = [f"exporter {name}" for name in names]
    if change.all_of_group:
        subject = "every alert"
    elif len(names) > _MOST_SUBJECTS:
        subject = f"{', '.join(names[:_MOST_SUBJECTS])} and {len(names) - _MOST_SUBJECTS} more"
    else:
        subject = ", ".join(names)
    if change.group == "series":
        subject = f"recorded series {subject}"
    levels = " and ".join(change.severities) if change.named and level else ""
    return f"{subject} {levels}".strip()


def _aspect(change: Change) -> str:
    return "" if change.aspect == "threshold" else _plain(change.aspect)


def _value(value: str) -> str:
    return _plain(value) if value else '""'


def _presence(change: Change) -> str:
    details = change.after if change.before is None else change.before
    pages = "critical" in change.severities
    inside = f" ({_plain(details)})" if details else ""
    if change.group != "alert":
        word = "removed" if change.after is None else "new"
        return word + (inside if change.after is not None else "")
    if not change.named:
        return "removed" if change.after is None else f"new alert{', pages' if pages else ''}{inside}"
    if change.after is None:
        return f"no longer {'pages' if pages else 'judged'}{_bare(inside, change)}"
    return f"{'now pages' if pages else 'now judged'}{_bare(inside, change)}"


def _bare(inside: str, change: Change) -> str:
    """The details without the severity that the line begins with."""
    return inside.replace(f"({change.severities[0]} ", "(", 1) if len(change.severities) == 1 else inside


def _expression(change: Change) -> str:
    old, new = ((side or "").strip(" ,") for side in (change.before, change.after))
    if len(old) + len(new) > _LONGEST:
        return "expression changed"
    return f"expression changed ({_plain(old) or 'nothing'} → {_plain(new) or 'nothing'})"


def _members(change: Change, subject: str) -> _Told:
    """Which items of a list come and go."""
    aspect = _aspect(change)
    old, new = (Counter(side.split("\n")) if side is not None else Counter() for side in (change.before, change.after))
    gone, come = list((old - new).elements()), list((new - old).elements())
    if change.before is None or change.after is None:
        word = "removed" if change.after is None else "new"
        values = [v for v in (*come, *gone) if v]
        return _Told(subject, aspect, word=f"{word} ({_listed(values)})" if values else word)
    if sum(old.values()) == sum(new.values()) == 1:
        return _Told(subject, aspect, _value(change.before), _value(change.after))
    parts = [f"{sign}{_listed(some, sign)}" for sign, some in (("+", come), ("−", gone)) if some]
    return _Told(subject, aspect, word=" ".join(parts) or "order changed")


def _listed(values: list[str], sign: str = "") -> str:
    shown = f" {sign}".join(map(_plain, values[:_MOST_ITEMS])) if sign else ", ".join(map(_plain, values[:_MOST_ITEMS]))
    return shown if len(values) <= _MOST_ITEMS else f"{shown} and {len(values) - _MOST_ITEMS} more"


def _lines(before: str, after: str) -> str:
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    count = max((old - new).total(), (new - old).total())
    return f"{count} line{'s' if count != 1 else ''} changed" if count else "lines in another order"


def _plain(text: str) -> str:
    """One printable line of bearable length."""
    one = " ".join(text.split("\n"))
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in one)
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 1]}…"


def _capped(changes: tuple[Change, ...]) -> tuple[list[Change], list[str]]:
    """The changes to list, and a line for each file that has too many of them."""
    seen: defaultdict[str, int] = defaultdict(int)
    kept = []
    for change in changes:
        name = change.subjects[0]
        plain = change.kind in ("value", "members") and name == change.files[0]
        seen[name] += plain
        if not plain or seen[name] <= _MOST_OF_A_FILE:
            kept.append(change)
    over = ((name, count - _MOST_OF_A_FILE) for name, count in seen.items() if count > _MOST_OF_A_FILE)
    return kept, [f"{_plain(name)}: and {count} more values" for name, count in over]


def _closing(difference: Difference) -> Iterator[str]:
    paths = [_plain(path) for path in difference.following]
    if not paths:
        return
    some = ", ".join(paths[:_MOST_SUBJECTS]) + (", …" if len(paths) > _MOST_SUBJECTS else "")
    files = f"{len(paths)} file{'s' if len(paths) != 1 else ''}"
    if difference.changes:
        yield f"and {files} that follow{'s' if len(paths) == 1 else ''} from it: {some}"
    else:
        yield f"no setting changes; {files} with other comments, layout or tests: {some}"


def _row(change: Change) -> str:
    told = _told(change, level=False)
    what = quote.as_markdown(" ".join(part for part in (told.subject, told.aspect) if part))
    level = ", ".join(change.severities) if change.kind != "text" else ""
    cells = [level, what, *(quote.markdown_code(v) if v else "" for v in (told.before, told.after))]
    if told.word:
        cells = [level, f"{what}: {quote.as_markdown(told.word)}", "", ""]
    return f"| {' | '.join(cells)} |"


def _as_json(change: Change, subject: str) -> dict[str, object]:
    """The change for one of its subjects; its severity is the highest that it touches."""

    def value(side: str | None) -> object:
        if change.kind == "members" and side is not None:
            return side.split("\n")
        return None if change.kind == "lines" else side

    return {
        "subject": subject,
        "aspect": change.aspect or "presence",
        "before": value(change.before),
        "after": value(change.after),
        **({"severity": change.severities[0]} if change.severities else {}),
        "files": list(change.files),
        "text": line_of(change),
    }
