"""Faults of the workers' log files: nobody writes them, nobody may read them, or what stands in them is not ours."""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from stackgen.catalog import promql
from stackgen.catalog.logs import line
from stackgen.catalog.signals.logs import SILENCE
from stackgen.doctor.finding import Finding
from stackgen.resolve.plan import Plan

LONGEST = 1 << 20
"""Bytes of a file's end in which its newest line is looked for; shippers cut longer lines."""
_PLAIN = re.compile(rb"\[\d{4}-\d\d-\d\d ")
_MOST = 5
_MOST_OF_NAME = 60


def place(plan: Plan) -> str:
    """Where stack.yaml says that the files are, on this machine; "" when it does not."""
    logs = plan.spec.logs
    if logs is not None and logs.host_folder:
        return f"{logs.host_folder}/{logs.path.rpartition('/')[2]}"
    return plan.spec.app.logs.path or (logs.path if logs is not None else "")


def check(plan: Plan, where: str) -> Iterator[Finding]:
    """Looks at a file, a folder or a pattern; at what stack.yaml says for "". Never prints a value of a line."""
    alerts = tuple(dict.fromkeys(signal.alert for signal in plan.log_signals))
    wanted = where or place(plan)
    if not wanted:
        fix = "name the files, as in --logs /var/log/celery, or set app.logs.path in stack.yaml"
        yield Finding("log-missing", "stack.yaml does not say where the log files are", fix, alerts)
        return
    pattern = Path(wanted, "*.log") if Path(wanted).is_dir() else Path(wanted)
    files = sorted(pattern.parent.glob(pattern.name), key=_changed, reverse=True)
    if not files:
        fix = "start workers with app.logs.path set, or with -f; see that this user may look into the folder"
        yield Finding("log-missing", f"no file is named {pattern}", fix, alerts)
    for file in files:
        yield from _access(file, alerts)
    yield from _newest(plan, [file for file in files if _readable(file)], alerts)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _readable(file: Path) -> bool:
    try:
        with file.open("rb"):
            return True
    except OSError:
        return False


def _access(file: Path, alerts: tuple[str, ...]) -> Iterator[Finding]:
    if not _readable(file):
        fix = "let this user's group read it: the module makes files with mode 0640; shippers need the same"
        yield Finding("log-unreadable", f"{file} cannot be read", fix, alerts)
    elif file.stat().st_mode & stat.S_IROTH:
        fix = f"chmod o-r {file}, and in logrotate `create 0640`: messages of errors may quote what a task worked on"
        yield Finding("log-open", f"{file} can be read by every user of this machine", fix)


def _newest(plan: Plan, files: list[Path], alerts: tuple[str, ...]) -> Iterator[Finding]:
    """The newest line of the file that was written last; a file may be empty just after it was rotated."""
    for file in files:
        if text := _last_line(file):
            yield from _line(plan, file, text, alerts)
            return
    if files:
        fix = "see that workers run, and that they write where the shipper reads"
        yield Finding("log-stale", f"no line stands in {', '.join(map(str, files[:_MOST]))}", fix, alerts)


def _last_line(file: Path) -> bytes:
    """The last line that is complete; a shipper does not read a line before its end."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - LONGEST))
        *lines, _ = opened.read().split(b"\n")
    return next((text for text in reversed(lines) if text.strip()), b"")


def _line(plan: Plan, file: Path, text: bytes, alerts: tuple[str, ...]) -> Iterator[Finding]:
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        said = "is Celery's own format" if _PLAIN.match(text) else "is no JSON object"
        fix = "call setup(app) of celery_monitoring.py in the module with the Celery application, and restart workers"
        yield Finding("log-format", f"the newest line of {file} {said}", fix, alerts)
        return
    yield from _fields(plan, file, fields, alerts)
    yield from _age(plan, file, fields, alerts)


def _fields(plan: Plan, file: Path, fields: Mapping[str, object], alerts: tuple[str, ...]) -> Iterator[Finding]:
    declared = {field.path: field.kind for field in line.FIELDS}
    found = dict(_flat(fields, {name for name, kind in declared.items() if kind in ("flattened", "object")}))
    fix = "use the generated celery_monitoring.py of this stack.yaml, and let nothing else write into the file"
    if unknown := sorted(name for name in found if name not in declared):
        more = f" and {len(unknown) - _MOST} more" if len(unknown) > _MOST else ""
        said = f"fields that no line of ours has: {', '.join(name[:_MOST_OF_NAME] for name in unknown[:_MOST])}{more}"
        yield Finding("log-fields", f"the newest line of {file} has {said}", fix, alerts)
    ours = ((line.SERVICE, plan.spec.stack.name), (line.ENVIRONMENT, plan.spec.stack.environment))
    for field, expected in ours:
        if found.get(field.path) != expected:
            said = f"{field.path} is not {expected!r}, by which every query selects"
            yield Finding("log-fields", f"in the newest line of {file}, {said}", fix, alerts)


def _flat(fields: Mapping[str, object], whole: set[str], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in fields.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in whole:
            yield from _flat(value, whole, f"{name}.")
        else:
            yield name, value


def _age(plan: Plan, file: Path, fields: Mapping[str, object], alerts: tuple[str, ...]) -> Iterator[Finding]:
    longest = _longest_silence(plan)
    try:
        moment = datetime.fromisoformat(str(fields.get(line.TIME.path))).timestamp()
    except ValueError:
        fix = "use the generated celery_monitoring.py of this stack.yaml"
        yield Finding("log-fields", f"the newest line of {file} has no {line.TIME.path}", fix, alerts)
        return
    age = round(time.time() - moment)  # noqa: TID251 - the doctor looks at what is now
    if age > longest:
        said = f"the newest line of {file} is {promql.seconds(age)} old, more than {promql.seconds(longest)}"
        fix = "see that workers run and write there; a file that was rotated with a new name needs a new pattern"
        yield Finding("log-stale", said, fix, alerts)


def _longest_silence(plan: Plan) -> int:
    """The threshold of log_silence on this stack; the default where nobody judges it."""
    limits = [alert.threshold for alert in plan.of(SILENCE) if alert.threshold is not None]
    return int(min(limits or [level.threshold for level in SILENCE.levels.values()]))
