"""What stands at each path that is planned, or was: new already, ours to change, or somebody else's."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Literal, assert_never

from stackgen.write.folder import Folder
from stackgen.write.manifest import Known, sha256

State = Literal["missing", "new", "ours", "edited", "foreign", "blocked"]


def states(folder: Folder, new: Mapping[str, str], known: Known) -> dict[str, State]:
    """State of every path of `new` (path to sha256), then of every other known path; each in sorted order."""
    old = {path: _former(folder, path, known[path]) for path in sorted(known) if path not in new}
    going = {path for path, state in old.items() if state == "ours"}
    return {path: _planned(folder, path, new[path], known, going) for path in sorted(new)} | old


def _former(folder: Folder, path: str, ours: Set[str]) -> State:
    """A path that is no longer planned; whatever else than a file stands there now is none of ours."""
    if folder.kind(path) != ("file", path):
        return "missing"
    return "ours" if sha256(folder.read(path)) in ours else "edited"


def _planned(folder: Folder, path: str, sha: str, known: Known, going: Set[str]) -> State:
    kind, at = folder.kind(path)
    match kind:
        case "missing":
            return "missing"
        case "file" if at == path:
            found = sha256(folder.read(path))
            if found == sha:
                return "new"
            if path not in known:
                return "foreign"
            return "ours" if found in known[path] else "edited"
        case "file" | "folder":
            # A former file or folder of ours makes room: it is removed before anything is placed.
            inside = {at} if kind == "file" else set(folder.walk(at))
            return "missing" if inside and inside <= going else "blocked"
        case "link" | "other":
            return "blocked"
        case _:
            assert_never(kind)
