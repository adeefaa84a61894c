"""alertmanager/tests/: who must be told of each alert; verify/amtool.py asks Alertmanager's own program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from stackgen.artefact import Artefact
from stackgen.catalog.signal import Severity, Signal
from stackgen.resolve.alerts import own
from stackgen.resolve.plan import Alert, Plan
from stackgen.resolve.routing import Routing, called


class Case(TypedDict):
    """One alert, and who must be told of it."""

    name: str
    labels: list[tuple[str, str]]
    receivers: list[str]


def artefacts(plan: Plan) -> list[Artefact]:
    """One file with every alert, severity and owner, and every queue with a route of its own."""
    config = "subtree" if plan.spec.shares("alertmanager") else "alertmanager"
    return [
        Artefact(
            path="alertmanager/tests/routes.yml",
            template="alertmanager/routes.yml.j2",
            syntax="yaml",
            context={
                "config": f"../{config}.yml",
                "cases": cases(plan),
            },
        )
    ]


def cases(plan: Plan) -> list[Case]:
    """Every alert that this stack can have, as far as routes can tell it from others."""
    return [*_Cases(plan).all()]


class _Cases:
    """Labels that an alert of this stack can have, and the receiver that stack.yaml names for it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.routing = Routing(plan.spec)

    def all(self) -> Iterator[Case]:
        """Every severity of every signal with every owner; then special queues, at every severity a queue can have."""
        about_queues: dict[Severity, Alert] = {}
        for signal in self.plan.routed_signals:
            subjects = self._subjects(signal)
            for alert in self.plan.of(signal):
                for owner, subject in subjects.items():
                    yield self._case(alert, owner, subject)
                if "queue" in signal.by:
                    about_queues[alert.severity] = alert
        for queue in self.routing.special_queues():
            for alert in about_queues.values():
                yield self._case(alert, self.routing.owner_of(queue), queue)

    def _subjects(self, signal: Signal) -> dict[str, str]:
        """By every owner that the rule's label can name: a queue or task of theirs, or any other kind of subject."""
        only = signal.only_names(self.plan.site)
        fallback = (*only, *(f"any-{label}" for label in signal.by), "")[0]
        if "queue" in signal.by:
            special = set(self.routing.special_queues())
            names = sorted(self.plan.site.queues, key=lambda name: (name in only, name not in special))
            named = {self.routing.owner_of(name): name for name in names}  # the last of an owner is the best
        else:
            named = {owner: name for name, owner in own(signal, self.plan.spec).items()}
        return {self.plan.spec.stack.owner: fallback, **named}

    def _case(self, alert: Alert, owner: str, subject: str) -> Case:
        signal, severity, stack = alert.signal, alert.severity, self.plan.spec.stack
        queue = subject if "queue" in signal.by else None
        watchdog = self.routing.alerting.watchdog
        receiver = watchdog if signal.always else self.routing.receiver(severity, owner, queue)
        told = [called(receiver, self.plan)]
        labels = {
            "alertname": signal.alert,
            "signal": signal.id,
            "severity": severity,
            "owner": owner,
            **dict.fromkeys(signal.by, subject),
            "stack": stack.name,
            "environment": stack.environment,
            **next(iter(self.plan.site.copies.tested), {}),
            **stack.labels,
        }
        return {
            "name": f"{signal.id}, {severity}, {owner}",
            "labels": list(labels.items()),
            "receivers": told,
        }
