"""Who is told of which alert, when not, and which alert mutes which: `alerting` with every default filled in."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from stackgen.catalog.inhibition import BLIND, INHIBITIONS, NEVER_MUTED, SAME_STACK, SEVERITY_LADDER, Inhibition
from stackgen.catalog.signal import SEVERITIES, Severity
from stackgen.document import Document, Trail
from stackgen.problem import Problem
from stackgen.resolve.plan import Plan
from stackgen.spec.alerting import NOBODY, Alerting, Mute, Told
from stackgen.spec.model import StackSpec
from stackgen.spec.receivers import GROUP_INTERVAL
from stackgen.spec.scalars import Duration

GROUP_BY = ("alertname", "queue", "task", "source")
"""One message per alert and queue, task or source of a copy; all its workers or rule groups of an alert share one."""
GROUP_WAIT = Duration.of("30s")
REPEAT: Mapping[Severity, Duration] = {
    "critical": Duration.of("1h"),
    "warning": Duration.of("4h"),
    "info": Duration.of("1d"),
}
ODD_SEVERITY: Severity = "warning"
"""How an alert is told whose severity is none of ours, such as one that a person wrote by hand."""
WATCHDOG_PACE = {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "3m30s"}
"""Told every four minutes: a repetition goes out with the first interval of a group that ends after it."""
_NO_ONE = Told.model_construct()


@dataclass(frozen=True)
class Leaf:
    """One severity of a branch: who is told, and when not."""

    severity: Severity
    receiver: str
    mutes: tuple[str, ...]


@dataclass(frozen=True)
class Branch:
    """Alerts with this value of this label."""

    label: str
    value: str
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True)
class Pace:
    """How alerts of one severity are gathered into messages."""

    group_by: tuple[str, ...]
    group_wait: Duration
    group_interval: Duration
    repeat_interval: Duration


@dataclass(frozen=True)
class Muting:
    """One inhibition rule: labels of the alert that mutes, of the alerts muted, and labels that must agree."""

    by: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, tuple[str, ...]]
    equal: tuple[str, ...]
    why: str


class Routing:
    """Answers for one stack; the route tree is made of branches, which are tried in order, and then `default`."""

    def __init__(self, spec: StackSpec) -> None:
        self.spec = spec

    @property
    def alerting(self) -> Alerting:
        """What the user wrote."""
        return self.spec.alerting

    def receiver(self, severity: Severity, owner: str, queue: str | None = None) -> str:
        """Who is told: the queue's receiver, else the owner's, else the default, else nobody."""
        written = (
            self.alerting.queues.get(queue, _NO_ONE) if queue is not None else _NO_ONE,
            self.alerting.owners.get(owner, _NO_ONE),
            self.alerting.default,
        )
        return next((name for told in written if (name := told.receiver(severity))), NOBODY)

    def mutes(self, severity: Severity, owner: str, queue: str | None = None) -> tuple[str, ...]:
        """Names of the times in which such an alert is not told."""
        return tuple(m.name for m in self.alerting.mute if _mutes(m, severity, owner, queue))

    def owner_of(self, queue: str) -> str:
        """The team that is told about a queue."""
        return self.spec.queues[queue].owner or self.spec.stack.owner

    @cached_property
    def default(self) -> tuple[Leaf, ...]:
        """What holds where no branch does."""
        return self._leaves("", None)

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """Queues first, then owners; one whose alerts would go the same way without it is left out."""
        by_owner = {owner: self._leaves(owner, None) for owner in self._named_owners()}
        queues = [Branch("queue", q, self._leaves(self.owner_of(q), q)) for q in self.special_queues()]
        queues = [b for b in queues if b.leaves != by_owner.get(self.owner_of(b.value), self.default)]
        return (*queues, *(Branch("owner", o, leaves) for o, leaves in by_owner.items() if leaves != self.default))

    def _leaves(self, owner: str, queue: str | None) -> tuple[Leaf, ...]:
        return tuple(self._leaf(severity, owner, queue) for severity in reversed(SEVERITIES))

    def _leaf(self, severity: Severity, owner: str, queue: str | None) -> Leaf:
        receiver = self.receiver(severity, owner, queue)
        return Leaf(severity, receiver, () if receiver == NOBODY else self.mutes(severity, owner, queue))

    def _named_owners(self) -> Iterable[str]:
        muted = [owner for mute in self.alerting.mute for owner in mute.owners or ()]
        return dict.fromkeys([*self.alerting.owners, *muted])

    def special_queues(self) -> Iterable[str]:
        """Queues that `alerting` names."""
        muted = [queue for mute in self.alerting.mute for queue in mute.queues or ()]
        return dict.fromkeys([*self.alerting.queues, *muted])

    def pace(self, severity: Severity) -> Pace:
        """How alerts of this severity are gathered."""
        written = self.alerting.timing.timing(severity)
        interval = written.group_interval or GROUP_INTERVAL
        return Pace(
            tuple(written.group_by or (*SAME_STACK, *self.spec.stack.copies, *GROUP_BY)),
            written.group_wait or GROUP_WAIT,
            interval,
            written.repeat_interval or _multiple(REPEAT[severity], interval),
        )

    def told(self) -> set[str]:
        """Receivers that some alert can reach."""
        leaves = [*self.default, *(leaf for branch in self.branches for leaf in branch.leaves)]
        return {self.alerting.watchdog, *(leaf.receiver for leaf in leaves)}


def called(name: str, plan: Plan) -> str:
    """The name of a receiver or a time where Alertmanager has it: the stack's before it where others have theirs."""
    return f"{plan.site.slug}-{name}" if plan.spec.shares("alertmanager") else name


def _multiple(wanted: Duration, interval: Duration) -> Duration:
    """The smallest multiple of the interval that is at least the wanted time."""
    times = -(-wanted.milliseconds // interval.milliseconds)
    return Duration(times * interval.milliseconds)


def _mutes(mute: Mute, severity: Severity, owner: str, queue: str | None) -> bool:
    return (
        severity in mute.severities
        and (mute.owners is None or owner in mute.owners)
        and (mute.queues is None or queue in mute.queues)
    )


def mutings(plan: Plan) -> list[Muting]:
    """Every inhibition rule of this stack; alerts that are off are in none."""
    on = {signal.id for signal in plan.routed_signals}
    found = [*_ladder(plan)]
    found += [made for one in INHIBITIONS if (made := _fixed(one, on, plan))]
    if BLIND.id in on:
        found += _blind(plan)
    return found


def _ladder(plan: Plan) -> Iterator[Muting]:
    """Signals that speak about the same kind of subject share a rule, so that `equal` names what all of them carry."""
    by_labels: dict[tuple[str, ...], dict[str, list[Severity]]] = {}
    for signal in plan.routed_signals:
        by_labels.setdefault(signal.by, {})[signal.id] = [alert.severity for alert in plan.of(signal)]
    for labels, group in by_labels.items():
        for above, lower in SEVERITY_LADDER:
            both = {name: on for name, on in group.items() if above in on and any(s in on for s in lower)}
            below = tuple(s for s in lower if any(s in on for on in both.values()))
            ids = tuple(both)
            if ids:
                yield Muting(
                    {"severity": (above,), "signal": ids},
                    {"severity": below, "signal": ids},
                    (*_same(plan), "signal", *labels),
                    f"{above} mutes {' and '.join(below)} of the same alert"
                    + (f" and {' and '.join(labels)}." if labels else "."),
                )


def _same(plan: Plan) -> tuple[str, ...]:
    """Labels in which alerts agree that are about the same copy of the same stack."""
    return (*SAME_STACK, *plan.site.copies.labels)


def _fixed(one: Inhibition, on: Container[str], plan: Plan) -> Muting | None:
    mutes = tuple(signal.id for signal in one.mutes if signal.id in on)
    if one.by.id not in on or not mutes:
        return None
    targets = {"signal": mutes, **({"source": one.sources} if one.sources else {})}
    return Muting({"signal": (one.by.id,)}, targets, (*_same(plan), *one.equal), one.why)


def _blind(plan: Plan) -> Iterator[Muting]:
    """A source that is down mutes what is read from it, but nothing of the monitoring itself."""
    never = {signal.id for signal in NEVER_MUTED}
    for source in plan.site.jobs:
        ids = tuple(
            signal.id
            for signal in plan.metric_signals
            if signal.family != "stack"
            and signal.id not in never
            and any(plan.chosen[series.name].only == source for series in signal.needs)
        )
        if ids:
            by = {"signal": (BLIND.id,), "source": (source,)}
            yield Muting(by, {"signal": ids}, _same(plan), f"Without {source} these alerts are blind.")


def notices(plan: Plan, document: Document) -> list[Problem]:
    """Alerts of which nobody is told, and receivers that are told of nothing."""
    routing = Routing(plan.spec)
    written = plan.spec.alerting.receivers
    found = []
    for leaf in routing.default:
        if leaf.receiver == NOBODY and leaf.severity != "info" and written:
            message = f"nobody is told of alerts with severity {leaf.severity}"
            found.append(_notice(document, ("alerting", "default"), "nobody-told", message, "name a receiver"))
    if not written:
        message, hint = "no alert is told to anybody", "add alerting.receivers and alerting.default"
        found.append(_notice(document, ("alerting",), "nobody-told", message, hint))
    elif routing.alerting.watchdog == NOBODY:
        message = "nobody notices when Prometheus or Alertmanager stops"
        hint = "send the watchdog to a dead man's switch: alerting.watchdog"
        found.append(_notice(document, ("alerting",), "no-dead-mans-switch", message, hint))
    links = plan.spec.links
    local = [f"links.{name}" for name in ("grafana", "prometheus", "alertmanager") if getattr(links, name) is None]
    local += ["links.runbooks"] if "://" not in links.runbooks else []
    if written and local:
        message = "messages carry links that work on this machine or in the repository only"
        hint = f"say where people reach them: {', '.join(local)}"
        found.append(_notice(document, ("links",), "local-links", message, hint))
    chat = written.get(routing.alerting.watchdog)
    if chat and not chat.webhook:
        message = f"{routing.alerting.watchdog} gets a message every 5 minutes, for ever: the watchdog always fires"
        hint = "a dead man's switch is a webhook that calls when it stops"
        found.append(_notice(document, ("alerting", "watchdog"), "watchdog-chat", message, hint))
    for name in written:
        if name not in routing.told():
            message = f"no alert is told to the receiver {name}"
            found.append(_notice(document, ("alerting", "receivers", name), "unused-receiver", message))
    return found


def _notice(document: Document, path: Trail, rule: str, message: str, hint: str = "") -> Problem:
    in_file = document.walk(path)[0]
    return Problem(document.key_mark(in_file), rule, ".".join(map(str, path)), message, hint, "notice")
