"""`python -m tests.live [--short | --two]`: a real Celery system, broken on purpose; every alert is waited for.

Everything runs in a process namespace of its own: whichever way this program ends, the kernel ends the rest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live import proof, two
from tests.live.brokers import PORTS
from tests.live.chapters import CHAPTERS, Chapter
from tests.live.processes import Failed
from tests.live.run import say
from tests.live.scenarios import HOUR_SECONDS

_NAMES = list(dict.fromkeys(chapter.name for chapter in CHAPTERS))
_INSIDE = "STACKGEN_LIVE_FOLDER"
"""Set for the process that does the work, the first of its namespace."""


def main() -> int:
    """The exit code: 0 when everything happened as expected and nothing else did."""
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__)
    parser.add_argument("--short", action="store_true", help="only the quickest scenarios, on Redis, in two minutes")
    parser.add_argument("--only", action="append", metavar="NAME", help="only scenarios whose name contains this")
    parser.add_argument("--chapter", choices=_NAMES, action="append", help="only what is broken in this chapter")
    parser.add_argument("--broker", choices=tuple(PORTS), action="append", help="only on this broker")
    parser.add_argument("--hour", type=float, default=HOUR_SECONDS, help="seconds of an hour in which nothing happens")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configuration and logs")
    parser.add_argument("--two", action="store_true", help="two stacks on one Prometheus, Alertmanager and Redis")
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="draw what happens, as templates of small SVG files"
    )
    options = parser.parse_args()
    asked = proof.Asked(options.short, options.only or [], options.hour, options.pictures)
    if folder := os.environ.get(_INSIDE):
        try:
            if options.two:
                return two.run(Path(folder))
            (chapter,) = _asked(options, asked)
            return proof.run(Path(folder), chapter, asked)
        except Failed as error:
            say(f"failed: {error}")
            return 1
    chapters = _asked(options, asked)
    if not chapters:
        parser.error("no scenario has such a name")
    namespace = _namespace()
    if options.two:
        with _folder(keep=options.keep) as folder:
            return _run_inside(namespace, folder, ["--two"])
    codes = []
    for chapter in chapters:
        this = ["--chapter", chapter.name, "--broker", chapter.kind]
        with _folder(keep=options.keep) as folder:
            codes.append(_run_inside(namespace, folder, [*_without_choice(), *this]))
    return max(codes)


def _asked(options: argparse.Namespace, asked: proof.Asked) -> list[Chapter]:
    """The chapters that are wanted and have a scenario that is."""
    kinds = options.broker or (["redis"] if options.short else list(PORTS))
    names = options.chapter or _NAMES
    return [one for one in CHAPTERS if one.kind in kinds and one.name in names and asked.batches(one)]


def _without_choice() -> list[str]:
    """The arguments of this program, but for which chapters and brokers are wanted."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--chapter", "--broker"):
        parser.add_argument(name, action="append")
    return parser.parse_known_args()[1]


def _namespace() -> list[str]:
    """The command that gives a program a process namespace, which the kernel ends with it; () where it may not."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--pid", "--fork", "--kill-child", "--mount-proc"]
    if shutil.which("unshare") and not subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        return command
    say("no process namespace here: after a SIGKILL of this program, pool processes may end only seconds later")
    return []


@contextmanager
def _folder(*, keep: bool) -> Iterator[str]:
    """The folder of one run; it is gone afterwards, also when the run is interrupted."""
    folder = tempfile.mkdtemp(prefix="stackgen-live-")
    try:
        yield folder
    finally:
        if keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _run_inside(namespace: Sequence[str], folder: str, arguments: Sequence[str]) -> int:
    """Runs this program once more, where it does the work; ends it with this one, however this one ends."""
    # unshare takes no notice of SIGTERM and SIGINT, and neither does the first process of a namespace.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    command = ["setpriv", "--pdeathsig", "KILL", *namespace, sys.executable, "-m", "tests.live", *arguments]
    began = time.monotonic()
    environment = {**os.environ, _INSIDE: folder, "TMPDIR": folder}
    with subprocess.Popen(command, env=environment, start_new_session=True) as child:
        try:
            return child.wait()
        finally:
            child.kill()
            say(f"{arguments[-1]}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
