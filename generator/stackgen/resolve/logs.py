"""What is judged in the logs of one stack, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from stackgen.catalog.logs.log_queries import LogQuery, Query, queries
from stackgen.document import Document, shown
from stackgen.problem import Problem
from stackgen.spec.logs import Shipper
from stackgen.spec.model import StackSpec

JUDGES: Mapping[Shipper, str] = {
    "alloy": "https://grafana.com/docs/loki/latest/alert/",
    "cloudwatch": "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html",
}
"""Shippers whose backend judges with what we write, and how it does: Loki's ruler, CloudWatch's alarms. Kibana's rules
need an account that can only be made in a running Kibana."""

NO_JUDGE = "no shipper whose backend judges logs is listed"
"""Why signals of the logs are off where it is so."""
HINT = f"add {' or '.join(sorted(JUDGES))} to logs.shippers"


def judges(spec: StackSpec) -> tuple[Shipper, ...]:
    """The listed shippers whose backend judges, in the order of stack.yaml."""
    return tuple(shipper for shipper in spec.logs.shippers if shipper in JUDGES) if spec.logs else ()


def notices(spec: StackSpec, document: Document) -> Iterator[Problem]:
    """Where the workers' lines and the shippers' files do not meet. Folders may differ: each sees its own."""
    written = spec.app.logs
    if spec.logs is None or not written.enabled:
        return
    wanted = spec.logs.path.rpartition("/")[2]
    if written.path is None:
        message = "shippers read files, and app.logs.path names none: workers write to standard output"
        hint = f"set app.logs.path to a file like {spec.logs.path}, or start the workers with --logfile"
        yield Problem(document.key_mark(("logs",)), "nothing-to-read", "logs", message, hint, "notice")
    elif not fnmatchcase(written.path.rpartition("/")[2], wanted):
        path = ("app", "logs", "path")
        message = f"no shipper reads this file: logs.path is {shown(spec.logs.path)}"
        yield Problem(
            document.mark(path), "nothing-to-read", ".".join(path), message, "change one of the two", "notice"
        )


def look(wanted: Iterable[LogQuery], spec: StackSpec) -> list[tuple[str, list[Query]]]:
    """Each question's title, and how each backend of this stack is asked; nothing where no logs are sent."""
    if spec.logs is None:
        return []
    name, environment = spec.stack.name, spec.stack.environment
    distinct = dict.fromkeys(wanted)
    return [(one.title, list(queries(one, spec.logs.shippers, name, environment))) for one in distinct]
