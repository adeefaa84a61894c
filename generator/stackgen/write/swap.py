"""Makes output/ hold the planned texts, so that a death at any moment leaves each file old or new, and whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stackgen.problem import SpecError
from stackgen.write import manifest, problems
from stackgen.write.folder import Folder, locked, readable
from stackgen.write.manifest import JOURNAL, MANIFEST, Known, Manifest
from stackgen.write.states import State, states

LOCK_SECONDS = 10.0


@dataclass(frozen=True)
class Changes:
    """What a run did, as paths below output/, each group sorted."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


def write(files: Mapping[str, str], output: Path, *, spec_sha256: str, force: bool = False) -> Changes:
    """Makes output/ hold these texts, and removes what only the last manifest lists and nobody edited.

    Raises SpecError before anything is changed when a file was edited by hand or is not ours (`force` overwrites these,
    but removes none), when a path below output/ leads through a link, and when there is no room or no permission.
    """
    texts = problems.texts(files, output)
    with problems.os_errors_as_problems(output):
        if not output.is_dir():
            output.mkdir(parents=True, exist_ok=True)  # another run may be making it too
            readable(output)
        with locked(output, LOCK_SECONDS) as folder:
            folder.clear_stage()
            return _write(folder, output, texts, spec_sha256, force)


def retire(output: Path, *, force: bool = False) -> Changes:
    """Removes what the folder's manifest lists, and the manifest; a file of a person's stays, and the folder with it.

    Raises SpecError before anything is changed when a listed file was edited by hand; `force` leaves it where it is.
    """
    if not (output / MANIFEST).is_file():
        return Changes()
    changes = write({}, output, spec_sha256="", force=force)
    with problems.os_errors_as_problems(output), locked(output, LOCK_SECONDS) as folder:
        folder.remove(MANIFEST)
        folder.sync()
    return changes


def _write(folder: Folder, output: Path, texts: Mapping[str, bytes], spec_sha256: str, force: bool) -> Changes:
    new = {path: manifest.sha256(text) for path, text in texts.items()}
    known = _known(folder, output, force)
    found = states(folder, new, known)
    if wrong := [problems.of_state(output, path, state) for path, state in found.items() if _stops(state, force)]:
        raise SpecError(wrong)
    changes = Changes(
        created=tuple(path for path in new if found[path] == "missing"),
        updated=tuple(path for path in new if found[path] not in {"missing", "new"}),
        removed=tuple(path for path, state in found.items() if path not in new and state == "ours"),
        unchanged=tuple(path for path in new if found[path] == "new"),
    )
    for path in changes.unchanged:
        folder.open_to_all(path)
    record = manifest.as_bytes(Manifest(spec_sha256, new))
    if changes.created or changes.updated or changes.removed or not _recorded(folder, record):
        swap = _Swap(
            put=[(path, texts[path]) for path in (*changes.created, *changes.updated)],
            remove=changes.removed,
            prune=sorted(known.keys() - new.keys()),
            journal=manifest.journal_bytes(known, new),
            record=record,
        )
        swap.run(folder)
    return changes


def _recorded(folder: Folder, record: bytes) -> bool:
    """Whether the manifest says so already, and no run was broken off."""
    if folder.kind(JOURNAL)[0] != "missing" or folder.kind(MANIFEST)[0] != "file":
        return False
    return folder.read(MANIFEST) == record


def _known(folder: Folder, output: Path, force: bool) -> Known:
    try:
        return problems.known(folder, output)
    except SpecError:
        if not force:
            raise
        return {}


def _stops(state: State, force: bool) -> bool:
    return state == "blocked" or (state in {"edited", "foreign"} and not force)


@dataclass(frozen=True)
class _Swap:
    """One set of changes, in the order in which they are safe."""

    put: Sequence[tuple[str, bytes]]
    remove: Sequence[str]
    prune: Sequence[str]
    """Former paths; folders above them go when empty."""
    journal: bytes
    record: bytes

    def run(self, folder: Folder) -> None:
        """Up to the journal, nothing seen has changed; from then on, whatever stands anywhere is in the journal."""
        try:
            folder.stage([*self.put, (JOURNAL, self.journal), (MANIFEST, self.record)])
            folder.place(len(self.put), JOURNAL)
            folder.sync()
            for path in self.remove:
                folder.remove(path)
            for path in self.prune:
                folder.prune(path)
            for number, (path, _) in enumerate(self.put):
                folder.place(number, path)
            folder.sync()
            folder.place(len(self.put) + 1, MANIFEST)
            folder.sync()
            folder.remove(JOURNAL)
        finally:
            folder.clear_stage()
        folder.sync()
