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

from generator.spec.part import Part


def of(model: type[Part]) -> Mapping[str, str]:
    """The sentence of each field of one model, by field name."""
    return _of_module(model.__module__).get(model.__name__, {})


def models() -> Mapping[str, type[Part]]:
    """Every model of stack.yaml by class name."""
    found: dict[str, type[Part]] = {}
    todo = [Part]
    while todo:
        for model in todo.pop().__subclasses__():
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
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                texts[name] = inspect.cleandoc(text)
    return texts
