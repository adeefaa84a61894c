"""`python -m tests.live [--short] [--only NAME]`: a real Celery system, broken on purpose; every alert is waited for.

Everything runs in a process namespace of its own: whichever way this program ends, the kernel ends the rest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.live import answered
from tests.live.cluster import Cluster, prepared
from tests.live.inbox import Inbox, listening
from tests.live.processes import Failed
from tests.live.run import WATCHDOG, Row, say, settled, side_by_side, table
from tests.live.scenarios import LOST, ONE_AFTER_THE_OTHER, TOGETHER, warm_up

_INSIDE = "STACKGEN_LIVE_INSIDE"
_SCRAPES_SEEN = 25
"""Seconds in which each target is scraped twice; the short form has no scenario that needs counters."""


def main() -> int:
    """The exit code: 0 when everything happened as expected and nothing else did."""
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__)
    parser.add_argument("--short", action="store_true", help="only the quickest scenarios, in two minutes")
    parser.add_argument("--only", action="append", metavar="NAME", help="only scenarios whose name contains this")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configuration and logs")
    options = parser.parse_args()
    if _INSIDE not in os.environ:
        _enter_namespace()
    folder = Path(tempfile.mkdtemp(prefix="stackgen-live-"))
    try:
        return _run(folder, short=options.short, only=options.only or [])
    except Failed as error:
        say(f"failed: {error}")
        return 1
    finally:
        if options.keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _enter_namespace() -> None:
    """Becomes the parent of a process namespace, which the kernel ends with it; goes on as it is where it may not."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--pid", "--fork", "--kill-child", "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        say("no process namespace here: after a SIGKILL of this program, pool processes may end only seconds later")
        return
    os.environ[_INSIDE] = "1"
    os.execvp(command[0], [*command, sys.executable, "-m", "tests.live", *sys.argv[1:]])


def _run(folder: Path, *, short: bool, only: list[str]) -> int:
    cluster = prepared(folder)
    began = time.monotonic()
    try:
        with listening(cluster.ports["hook"]) as inbox:
            cluster.start()
            say(f"all runs after {time.monotonic() - began:.0f} s, logs in {folder}")
            return _prove(cluster, inbox, short=short, only=only)
    finally:
        cluster.programs.kill_all()


def _prove(cluster: Cluster, inbox: Inbox, *, short: bool, only: list[str]) -> int:
    warm_up(cluster)
    time.sleep(_SCRAPES_SEEN / 2 if short else _SCRAPES_SEEN)
    rows: list[Row] = []
    wrong: list[str] = []
    for batch in (TOGETHER, LOST, *((one,) for one in ONE_AFTER_THE_OTHER)):
        chosen = [s for s in batch if (s.short or not short) and (not only or any(o in s.name for o in only))]
        if chosen:
            rows += side_by_side(chosen, cluster, inbox)
            rows += [Row(chosen[-1].name, left, wrong="still fires") for left in settled(inbox)]
        if batch is TOGETHER:
            wrong = answered.problems(cluster, lenient=short or bool(only))
            for finding in wrong:
                say(finding)
    wrong += answered.failures(cluster)
    wrong += [f"doctor, of a healthy stack: {one.rule}: {one.what}" for one in cluster.examined()]
    if not any(news.labels["alertname"] == WATCHDOG for news in inbox.news):
        rows.append(Row("always", WATCHDOG, wrong="never told"))
    print(table(rows))
    print(*wrong, sep="\n")
    bad = [row for row in rows if row.wrong]
    print(f"{len(rows) - len(bad)} of {len(rows)} as expected; {len(wrong)} findings about queries and rules")
    return 1 if bad or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
