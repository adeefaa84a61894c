"""From the text of a stack.yaml to what the generator makes of it."""

from __future__ import annotations

from pathlib import Path

from stackgen import overlay
from stackgen.document import Document
from stackgen.emitters import alertmanager
from stackgen.render.environment import render
from stackgen.resolve.plan import Plan
from stackgen.resolve.resolver import resolve
from stackgen.spec import parse
from stackgen.verify.files import reparse

HEAD = """\
version: 1
stack: {name: shop}
celery: {app: config, broker: {kind: redis}}
queues: {celery: , bulk: {owner: data}, dead: {role: dead_letter}}
tasks: {shop.pay: {owner: payments, period: 1h}}
sources: [celery-exporter, worker, redis]
thresholds: {worker_uptime: {info: 5m, warning: {threshold: 5m, for: 15m}}, queue_wait_p95: {critical: 5m}}
"""
CONFIG = "alertmanager/alertmanager.yml"
ROUTES = "alertmanager/tests/routes.yml"


def understood(stack: Path) -> tuple[Document, Plan]:
    """A stack.yaml as the emitters get it."""
    document = overlay.read(stack)
    return document, resolve(parse(document), document)


def plan_of(text: str, folder: Path) -> Plan:
    """The plan of a stack.yaml with this text."""
    stack = folder / "stack.yaml"
    stack.write_text(text, encoding="utf-8")
    return understood(stack)[1]


def write(plan: Plan, output: Path) -> Path:
    """Writes alertmanager/ below `output`, and gives the configuration's path."""
    for artefact in alertmanager.artefacts(plan):
        rendered = render(artefact)
        assert reparse.of_file(rendered) == []
        file = output / artefact.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rendered.text, encoding="utf-8")
    return output / CONFIG
