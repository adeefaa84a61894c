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


def many_stacks(count: int) -> dict[str, str]:
    """Files of `count` applications by name, each a few lines on top of one that all extend."""
    common = (
        "version: 1\ncelery: {broker: {kind: redis}}\nsources: [celery-exporter, redis]\n"
        'alerting: {receivers: {chat: {slack: {api_url_file: /run/secrets/slack, channel: "#c"}}}, default: chat}\n'
    )
    own = (
        "extends: common.yaml\nstack: {{name: app{0}, owner: team{0}}}\n"
        "celery: {{app: app{0}}}\nqueues: {{celery: , mail: }}\n"
    )
    return {"common.yaml": common, **{f"app{number}.yaml": own.format(number) for number in range(count)}}
