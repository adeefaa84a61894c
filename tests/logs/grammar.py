"""LogQL's official grammar, as Grafana's own editor uses it, in V8."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from py_mini_racer import MiniRacer

FOLDER = Path(__file__).resolve().parents[2] / ".tools" / "logql"
_FILES = {"@lezer/common": "common.cjs", "@lezer/lr": "lr.cjs", "@grafana/lezer-logql": "lezer-logql.cjs"}
"""In the order in which they need each other."""
_SCRIPT = """
const loaded = {};
function load(name, source) {
  const module = {exports: {}};
  new Function("module", "exports", "require", source)(module, module.exports, (other) => loaded[other]);
  loaded[name] = module.exports;
  return true;
}
function faults(text) {
  const found = [];
  loaded["@grafana/lezer-logql"].parser.parse(text).iterate({enter: (node) => {
    if (node.type.isError) found.push(node.from);
  }});
  return JSON.stringify(found);
}
"""


@cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    engine.eval(_SCRIPT)
    for name, file in _FILES.items():
        engine.call("load", name, (FOLDER / file).read_text(encoding="utf-8"))
    return engine


def faults(query: str) -> list[int]:
    """Where the text stops being LogQL; nothing when it is."""
    found: list[int] = json.loads(str(_engine().call("faults", query)))
    return found
