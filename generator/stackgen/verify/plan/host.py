"""What stack.yaml says of this host's services must name services and networks that can be meant."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.problem import Problem
from stackgen.spec.checks import nearest
from stackgen.verify.subject import Subject

_OURS = frozenset({"frontend", "backend", "engine", "broker", "outside", "logs"})


def problems(subject: Subject) -> Iterator[Problem]:
    """Services that docker-compose.yml does not have, and networks that are its own."""
    written = subject.plan.spec.compose.services
    if not written:
        return
    from stackgen.emitters import compose  # of use to who has such settings only

    known = compose.names(subject.plan)
    for name, one in written.items():
        path = ("compose", "services", name)
        if name not in known:
            hint = nearest(name, known, f"known: {', '.join(known)}")
            mark = subject.document.key_mark(path)
            yield Problem(mark, "unknown-service", "compose.services", f"no service named {name!r}", hint)
        for i, network in enumerate(one.networks):
            if network in _OURS:
                mark = subject.document.mark((*path, "networks", i))
                reason = f"{network} is a network of docker-compose.yml itself"
                yield Problem(mark, "own-network", "compose.services", reason, "name one that others made")
