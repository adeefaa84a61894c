"""Changes as a person reads them in a terminal, in a pull request, and as a program does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

from stackgen.diff.change import Change
from stackgen.diff.compare import Difference
from stackgen.render import quote

Style = Literal["text", "markdown", "json"]
_LONGEST = 300
_MOST = 3


def render(difference: Difference, style: Style) -> str:
    """The whole report; empty when nothing changes, but for JSON, and a sentence in Markdown."""
    if style == "json":
        listed = [_as_json(change) for change in difference.changes]
        data = {"changes": listed, "files": list(difference.files), "note": closing(difference)}
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    last = closing(difference)
    if style == "text":
        return "".join(f"{line}\n" for line in (*map(line_of, difference.changes), last) if line)
    if not difference:
        return "The generated files stay as they are.\n"
    rows = ["| Severity | What | Before | After |", "|---|---|---|---|", *map(_row, difference.changes)]
    told = "".join(f"{row}\n" for row in rows) if difference.changes else ""
    return told + (
        f"\n{quote.as_markdown(last)}\n" if told and last else f"{quote.as_markdown(last)}\n" if last else ""
    )


def line_of(change: Change) -> str:
    """One line of plain text."""
    head = " ".join(part for part in (_subject(change, level=True), _plain(change.aspect)) if part)
    return f"{head}: {_word(change)}" if change.word else f"{head} {' → '.join(_values(change))}"


def closing(difference: Difference) -> str:
    """How many files differ, and what the lines above cannot say; empty where there is nothing to say."""
    paths = [_plain(path) for path in difference.files]
    some = ", ".join(paths[:_MOST]) + (", …" if len(paths) > _MOST else "")
    many = len(paths) != 1
    files = f"{len(paths)} file{'s' if many else ''}"
    if not paths:
        return ""
    if difference.before == "nothing":
        return f"nothing is there yet: {files} would be new: {some}"
    if difference.before == "no plan":
        return (
            "what changes cannot be said in words: there is no plan.json that this version reads; run `stackgen "
            f"generate` there once and commit it. {files} differ{'' if many else 's'}: {some}"
        )
    if difference.changes:
        return f"and {files} that follow{'' if many else 's'} from it: {some}"
    return (
        f"no setting changes, yet {files} differ{'' if many else 's'} (a hand edit, another version of stackgen, or "
        f"the same numbers from another place); `git diff` shows how: {some}"
    )


def _subject(change: Change, *, level: bool) -> str:
    names = _some(change.subjects)
    if change.whom:
        names += f"[{_some(change.whom)}]"
    return f"{names} {' and '.join(change.severities)}" if change.named and level else names


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(map(_plain, names[:_MOST]))
    return f"{shown} and {len(names) - _MOST} more" if len(names) > _MOST else shown


def _word(change: Change) -> str:
    return _plain(change.word) + (f", and with it {_some(change.effects)}" if change.effects else "")


def _values(change: Change) -> Iterator[str]:
    threshold = change.named or bool(change.whom)
    absent = "not judged" if threshold and not change.aspect else "none"
    for value in (change.before, change.after):
        yield absent if value is None else _plain(value) or '""'


def _plain(text: str) -> str:
    """One printable line of bearable length."""
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split("\n")))
    return safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 1]}…"


def _row(change: Change) -> str:
    what = quote.as_markdown(" ".join(x for x in (_subject(change, level=False), _plain(change.aspect)) if x))
    if change.word:
        cells = [f"{what}: {quote.as_markdown(_word(change))}", "", ""]
    else:
        cells = [what, *map(quote.markdown_code, _values(change))]
    return f"| {' | '.join([', '.join(change.severities), *cells])} |"


def _as_json(change: Change) -> dict[str, object]:
    return {
        "subjects": list(change.subjects),
        "of": list(change.whom),
        "aspect": change.aspect or ("presence" if change.word else "value"),
        "before": change.before,
        "after": change.after,
        "severities": list(change.severities),
        "effects": list(change.effects),
        "text": line_of(change),
    }
