"""One small stack per source, against whose rules the tests of that source run."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
VALUES = "values"
"""What signals compute from canonical series, of whatever source: tested against a stack with every signal."""
SOURCES = tuple(sorted(path.stem for path in HERE.glob("*.yaml") if path.stem != VALUES))
EVERY_SIGNAL = HERE.parent / "mutation" / "everything.yaml"
_LISTED = {"prometheus": "celery-exporter, redis", "alloy": "celery-exporter", "worker": "worker, beat"}
"""What stack.yaml lists where that is not the tested source itself: some are scraped without being listed."""
_STACK = """\
version: 1
stack: {{name: shop, owner: platform}}
celery: {{app: shop, broker: {{kind: {broker}}}{limit}}}
queues: {{celery: , priority: , rejects: {{role: dead_letter}}}}
sources: [{sources}]
{logs}ignore: {{queues: ["scratch*"], tasks: ["health.*"]}}
"""


def stack(name: str, folder: Path) -> Path:
    """The stack.yaml for the tests of this name, written into the folder where there is none."""
    if name == VALUES:
        return EVERY_SIGNAL
    path = folder / f"{name}.stack.yaml"
    broker = "rabbitmq" if name == "rabbitmq" else "redis"
    limit = ", worker_memory_limit: 2GB" if name == "process-exporter" else ""  # which knows none by itself
    logs = "logs: {shippers: [alloy]}\n" if name == "alloy" else ""
    text = _STACK.format(broker=broker, sources=_LISTED.get(name, name), limit=limit, logs=logs)
    path.write_text(text, encoding="utf-8")
    return path
