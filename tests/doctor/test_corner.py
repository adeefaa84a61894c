"""What Prometheus shows of our part of a shared broker; tests/corner asks real brokers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from stackgen import pipeline
from stackgen.doctor.corner import check
from stackgen.doctor.seen import Seen

STACK = """\
version: 1
stack: {{name: shop}}
celery: {{app: proj, broker: {{kind: rabbitmq{vhost}}}}}
queues: {{orders: , mail: }}
sources: [rabbitmq]
"""
EVERYWHERE = {"/": frozenset({"orders"}), "shop": frozenset({"orders", "mail"}), "blog": frozenset({"posts"})}


def _seen(folder: Path, vhost: str = "", **seen: object) -> Seen:
    stack = folder / "stack.yaml"
    stack.write_text(STACK.format(vhost=vhost))
    return Seen(plan=pipeline.prepare(stack).plan, **seen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("vhost", "vhosts", "rules"),
    [("", EVERYWHERE, ["several-vhosts"]), (", vhost: shop", EVERYWHERE, []), ("", {"shop": EVERYWHERE["shop"]}, [])],
)
def test_queues_of_these_names_in_several_virtual_hosts(
    vhost: str, vhosts: Mapping[str, frozenset[str]], rules: list[str], tmp_path: Path
) -> None:
    found = list(check(_seen(tmp_path, vhost, vhosts=vhosts)))

    assert [one.rule for one in found] == rules
    assert all(one.what.endswith(": /, shop") for one in found)


@pytest.mark.parametrize(
    ("lengths", "rules"),
    [(None, []), (frozenset({"orders", "mail", "x"}), []), (frozenset({"orders"}), ["queue-unseen"])],
)
def test_a_queue_that_no_source_sees(lengths: frozenset[str] | None, rules: list[str], tmp_path: Path) -> None:
    found = list(check(_seen(tmp_path, lengths=lengths)))

    assert [one.rule for one in found] == rules
    assert all(one.what.endswith(": mail") and "CeleryQueueBacklog" in one.alerts for one in found)
