"""Texts of other people, each with a harmless one that could stand in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st


class Drawn(str):
    """A text that Hypothesis drew; `form` is what a text in its place looks like, with {} for any name."""

    form: str
    __slots__ = ("form",)

    @classmethod
    def like(cls, form: str, text: str) -> Drawn:
        """The text, of the given form."""
        made = cls(text)
        made.form = form
        return made


def of_form(form: str, texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts of a form: a name instead of {} in it makes a harmless one."""
    return texts.map(lambda text: Drawn.like(form, form.replace("{}", text)))


def harmless(value: Any, names: Mapping[str, str]) -> Any:
    """The same data with a harmless text for each drawn one."""
    match value:
        case Drawn():
            return names[value]
        case dict():
            return {harmless(key, names): harmless(item, names) for key, item in value.items()}
        case list() | tuple():
            return [harmless(item, names) for item in value]
        case _:
            return value


def names_for(value: Any) -> dict[str, str]:
    """A harmless text for each drawn one, in the same alphabetical order, and as many stars at the same ends."""
    found = sorted(set(_drawn(value)))
    return {text: text.form.replace("{}", f"name{number:03}") for number, text in enumerate(found)}


def _drawn(value: Any) -> Iterator[Drawn]:
    match value:
        case Drawn():
            yield value
        case dict():
            for key, item in value.items():
                yield from (*_drawn(key), *_drawn(item))
        case list() | tuple():
            for item in value:
                yield from _drawn(item)
        case _:
            return


def matching(alphabet: str, most: int) -> st.SearchStrategy[str]:
    """Texts of these characters, which a regular expression's class names."""
    able = [chr(code) for code in range(33, 127) if re.fullmatch(alphabet, chr(code))]
    return st.text(st.sampled_from(able), min_size=1, max_size=most)
