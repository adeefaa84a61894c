"""The sentence under each field of the models: editor help and reference page.

Pydantic can read these itself (use_attribute_docstrings), but does so whenever the models are imported, which costs a
fifth of a whole run; here they are read when somebody asks.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache

from stackgen.spec.part import Part


def of(model: type[Part]) -> Mapping[str, str]:
    """The sentence of each field of one model, by field name."""
    return _of_module(model.__module__).get(model.__name__, {})


def models() -> Mapping[str, type[Part]]:
    """Every model of stack.yaml by class name; those of other files stand in other packages."""
    found: dict[str, type[Part]] = {}
    todo = [Part]
    while todo:
        for model in todo.pop().__subclasses__():
            if model.__module__.startswith(f"{__package__}."):
                found[model.__name__] = model
            todo.append(model)
    return found


@cache
def _of_module(name: str) -> Mapping[str, Mapping[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: _of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for field, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            text = after.value.value if isinstance(after.value, ast.Constant) else None
            if isinstance(text, str):
                texts[field.target.id] = inspect.cleandoc(text)
    return texts
