"""The kinds of output: each module or package of emitters/ makes one and is called like it; nothing else lists them."""

from __future__ import annotations

import pkgutil
from pathlib import Path

KINDS: tuple[str, ...] = tuple(
    sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).with_name("emitters"))]))
)
"""Every kind, as `outputs` of stack.yaml names it."""

NAMED_ONLY = frozenset({"grafana_managed", "kubernetes", "mimir", "thanos", "vmalert"})
"""Kinds for who has none of the programs that compose starts: written only where `outputs` names them."""
