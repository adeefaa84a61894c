"""What output/ says of itself: MANIFEST.json of the last complete run, and the journal of one that was broken off."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stackgen.write.folder import STAGE, Folder

MANIFEST = "MANIFEST.json"
JOURNAL = ".MANIFEST.next"
RESERVED = frozenset({MANIFEST.casefold(), JOURNAL.casefold(), STAGE.casefold()})

Known = Mapping[str, frozenset[str]]
"""For each path the sha256 of every text that we may have written there."""


@dataclass(frozen=True)
class Manifest:
    """What the last complete run wrote: sha256 of stack.yaml, and of each file by its path."""

    spec: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def joined(self) -> bool:
        """Whether git made it of two runs, so that something has two checksums."""
        return any(" " in sha for sha in (self.spec, *self.files.values()))


def sha256(data: bytes) -> str:
    """Hexadecimal, as the manifest has it."""
    return hashlib.sha256(data).hexdigest()


def as_bytes(manifest: Manifest) -> bytes:
    """The manifest's one form. Its last entry never changes, so that every other line ends in a comma: git may then
    keep the lines of two branches (`merge=union`), and the result is JSON still."""
    return _dump({"spec": manifest.spec, "files": {**dict(sorted(manifest.files.items())), MANIFEST: "this file"}})


def journal_bytes(known: Known, new: Mapping[str, str]) -> bytes:
    """Every text that may stand at each path while files are swapped, and ever after if that is broken off."""
    paths = sorted({*known, *new})
    return _dump({"files": {p: sorted({*known.get(p, ()), *((new[p],) if p in new else ())}) for p in paths}})


def _dump(data: object) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def read(folder: Folder) -> Manifest | None:
    """The manifest; None before the first complete run. Raises ValueError when it is not one of ours."""
    data = _load(folder, MANIFEST)
    if data is None:
        return None
    match data:
        case {"spec": str() as spec, "files": dict() as files} if all(isinstance(sha, str) for sha in files.values()):
            files.pop(MANIFEST, None)
            _refuse(files)
            return Manifest(spec, files)
        case _:
            message = f"{MANIFEST} is not as we write it"
            raise ValueError(message)


def known(folder: Folder) -> Known:
    """What manifest and journal say together. Raises ValueError when either is not one of ours."""
    manifest = read(folder) or Manifest()
    found = {path: set(sha.split()) for path, sha in manifest.files.items()}
    match _load(folder, JOURNAL):
        case None:
            pass
        case {"files": dict() as files} if all(isinstance(shas, list) for shas in files.values()):
            _refuse(files)
            for path, shas in files.items():
                found.setdefault(path, set()).update(map(str, shas))
        case _:
            message = f"{JOURNAL} is not as we write it"
            raise ValueError(message)
    return {path: frozenset(shas) for path, shas in found.items()}


def _load(folder: Folder, name: str) -> object | None:
    kind, _ = folder.kind(name)
    if kind == "missing":
        return None
    if kind != "file":
        message = f"{name} is not a plain file"
        raise ValueError(message)
    try:
        text = re.sub(rb"(?m)^(<{7}|\|{7}|={7}|>{7})( .*)?\n", b"", folder.read(name))
        data: object = json.loads(_one_head(text), object_pairs_hook=_both)
    except (ValueError, RecursionError) as error:
        message = f"{name} is not JSON"
        raise ValueError(message) from error
    return data


def _one_head(text: bytes) -> bytes:
    """The text with its first lines once, where git kept those of both branches because the next ones differ too."""
    opening = b'  "files": {'
    lines = text.splitlines()
    if lines.count(opening) < 2:
        return text
    head = [line for line in lines if line.startswith(b'  "spec": ')]
    rest = [line for line in lines if line not in (b"{", opening) and not line.startswith(b'  "spec": ')]
    return b"\n".join((b"{", *head, opening, *rest))


def _both(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object; of a key that a merge made stand twice, both texts with a blank between."""
    found: dict[str, object] = {}
    for key, value in pairs:
        found[key] = value if found.get(key, value) == value else f"{found[key]} {value}"
    return found


def _refuse(paths: Iterable[str]) -> None:
    for path in paths:
        if fault := path_fault(path):
            message = f"{MANIFEST} lists {path!r}, which {fault}"
            raise ValueError(message)


def path_fault(path: str) -> str:
    """Why a path cannot be one of output/; empty when it can."""
    parts = path.split("/")
    if path.startswith("/") or {"", ".", ".."} & set(parts):
        return "would lead out of the output folder"
    if any(char in '\\"' or not char.isprintable() for char in path):
        return "has a character that file names of ours may not have"
    if parts[0].casefold() in RESERVED:
        return "is a name that the writer keeps for itself"
    return ""


def collisions(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs that cannot stand side by side: alike but for case (macOS, Windows), or one the folder of the other."""
    paths = sorted(paths)
    files = set(paths)
    seen: dict[str, str] = {}
    found = []
    for path in paths:
        parts = path.split("/")
        for above in ("/".join(parts[: n + 1]) for n in range(len(parts))):
            first = seen.setdefault(unicodedata.normalize("NFC", above).casefold(), above)
            if first != above or (above != path and above in files):
                found.append((first, path))
                break
    return found
