"""Texts of stack.yaml, as large as wanted."""

from __future__ import annotations


def many_queues(count: int) -> str:
    """A stack of `count` queues, each with thresholds of its own, all different from its neighbours'."""
    lines = [
        "version: 1",
        "stack: {name: bench}",
        "celery: {app: bench, broker: {kind: redis}}",
        "queues:",
    ]
    for number in range(count):
        warning = 100 + number % 900
        lines += [
            f"  queue-{number:05d}:",
            "    thresholds:",
            f"      queue_length: {{warning: {warning}, critical: {warning * 5}}}",
        ]
    return "\n".join(lines) + "\n"
