"""Rules across the fields of `alerting`: names that exist, secrets that are files, times that Alertmanager can keep."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import urlsplit

from stackgen.catalog.entries import Entries, is_pattern
from stackgen.catalog.signal import SEVERITIES
from stackgen.document import Trail, shown
from stackgen.spec.alerting import NOBODY, Alerting, Email, Mute, Receiver, Timing, Told, Webhook
from stackgen.spec.checks import Fault, nearest
from stackgen.spec.model import StackSpec
from stackgen.spec.scalars import Duration

GROUP_INTERVAL = Duration.of("5m")
"""Alertmanager's own default, used where a severity sets none."""
_SECRET_HOSTS = ("hooks.slack.com", "discord.com", "discordapp.com", "webhook.office.com", "logic.azure.com")
"""Services whose webhook address is itself the secret."""
_SECRET_QUERY = re.compile(r"(?i)(token|key|sig|secret|passw\w*)=")
_MAIL = r"[^\s@,<>{}]+@[^\s@,<>{}]+"  # Alertmanager fills in what stands in braces
_TIMES = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_ZONE = re.compile(r"UTC|[A-Z][A-Za-z_]{1,20}(/[A-Za-z0-9_+-]{1,30}){1,2}")
_ROOT: Trail = ("alerting",)


def check(spec: StackSpec) -> Iterator[Fault]:
    """Every broken rule of the section."""
    alerting = spec.alerting
    for name, receiver in alerting.receivers.items():
        yield from _receiver(name, receiver, (*_ROOT, "receivers", name))
    yield from _version(spec)
    yield from _told(alerting, spec)
    yield from _names(alerting.owners, owners(spec), (*_ROOT, "owners"), "owner")
    yield from _names(alerting.queues, Entries(spec.queues).names, (*_ROOT, "queues"), "queue")
    for severity in SEVERITIES:
        yield from _timing(alerting.timing.timing(severity), (*_ROOT, "timing", severity))
    yield from _mutes(alerting, spec)


def owners(spec: StackSpec) -> set[str]:
    """Every owner that an alert of this stack can carry."""
    of_queues = {queue.owner for queue in spec.queues.values() if queue.owner}
    return {spec.stack.owner, *of_queues, *(task.owner for task in spec.tasks.values() if task.owner)}


def _version(spec: StackSpec) -> Iterator[Fault]:
    """Only where stack.yaml chooses the version; the one that is generated otherwise can do everything."""
    chosen = re.match(r"v?0\.(\d+)", spec.versions.get("alertmanager", ""))
    for name, receiver in spec.alerting.receivers.items():
        for way, since in needs(receiver):
            if chosen and int(chosen[1]) < since:
                reason = f"{way} needs Alertmanager 0.{since}, and versions.alertmanager is older"
                path = (*_ROOT, "receivers", name)
                yield Fault(path, "alertmanager-version", reason, "", True, ("versions", "alertmanager"))


def needs(receiver: Receiver) -> Iterator[tuple[str, int]]:
    """What of a receiver is younger than Alertmanager 0.25, and the minor version that brought it."""
    if receiver.webhook and receiver.webhook.url_file:
        yield "webhook.url_file", 26
    if receiver.msteamsv2:
        yield "msteamsv2", 28


def _told(alerting: Alerting, spec: StackSpec) -> Iterator[Fault]:
    known = sorted({NOBODY, *alerting.receivers})
    places: list[tuple[Trail, Told]] = [((*_ROOT, "default"), alerting.default)]
    places += [((*_ROOT, "owners", name), told) for name, told in alerting.owners.items()]
    places += [((*_ROOT, "queues", name), told) for name, told in alerting.queues.items()]
    named: list[tuple[Trail, str]] = [((*_ROOT, "watchdog"), alerting.watchdog)]
    for path, told in places:
        pairs = (("info", told.info), ("warning", told.warning), ("critical", told.critical))
        named += [((*path, severity), name) for severity, name in pairs if name is not None]
    for path, name in named:
        if name not in known:
            hint = nearest(name, known, f"known: {', '.join(known)}")
            taken = (*_ROOT, "receivers", name)
            yield Fault(path, "unknown-receiver", f"no receiver named {shown(name)}", hint, other=taken)


def _names(written: Iterable[str], known: Collection[str], path: Trail, what: str) -> Iterator[Fault]:
    for name in written:
        if name not in known:
            reason = f"no {what} of this stack is named {shown(name)}"
            route = "routes are by exact name: give the pattern an owner, and route by owners"
            hint = route if is_pattern(name) else nearest(name, known, _known(known))
            yield Fault((*path, name), "unknown-name", reason, hint, at_key=True)


def _known(names: Collection[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"known: {', '.join(map(shown, sorted(names)[:10]))}{more}"


def _receiver(name: str, receiver: Receiver, path: Trail) -> Iterator[Fault]:
    if name == NOBODY:
        reason = "the name nobody is taken: it is always there and tells nobody"
        yield Fault(path, "reserved-receiver", reason, "give it another name", at_key=True)
    if not receiver.model_fields_set or all(getattr(receiver, way) is None for way in receiver.model_fields_set):
        ways = ", ".join(type(receiver).model_fields)
        yield Fault(path, "empty-receiver", "the receiver has no way to tell anybody", f"give it one of {ways}", True)
    if receiver.email:
        yield from _email(receiver.email, (*path, "email"))
    if receiver.webhook:
        yield from _webhook(receiver.webhook, (*path, "webhook"))
    if receiver.slack and not re.fullmatch(r"[#@]?[^\s#@{}]{1,80}", receiver.slack.channel):
        reason = f"expected a channel such as '#celery', got {shown(receiver.slack.channel)}"
        yield Fault((*path, "slack", "channel"), "slack-channel", reason)


def _email(email: Email, path: Trail) -> Iterator[Fault]:
    for key, text, pattern in (("to", email.to, rf"{_MAIL}(, ?{_MAIL})*"), ("from", email.sender, _MAIL)):
        if not re.fullmatch(pattern, text):
            reason = f"expected a mail address, got {shown(text)}"
            yield Fault((*path, key), "mail-address", reason, "such as celery@example.com")
    if (email.username is None) != (email.password_file is None):
        given, absent = ("username", "password_file") if email.username else ("password_file", "username")
        reason = f"{given} is given, and {absent} is not"
        yield Fault((*path, given), "mail-login", reason, f"add {absent}", True, (*path, absent))


def _webhook(webhook: Webhook, path: Trail) -> Iterator[Fault]:
    if (webhook.url is None) == (webhook.url_file is None):
        got = "neither" if webhook.url is None else "both"
        reason = f"expected either url or url_file, got {got}"
        yield Fault((*path, "url_file"), "webhook-address", reason, "", True, (*path, "url"))
    if webhook.url is not None:
        parts = urlsplit(webhook.url)
        host = parts.hostname or ""
        if host.endswith(_SECRET_HOSTS) or _SECRET_QUERY.search(parts.query):
            reason = "expected no address that is itself a secret, got one (not shown)"
            yield Fault((*path, "url"), "secret", reason, "put it into a file and name that in url_file")


def _timing(timing: Timing, path: Trail) -> Iterator[Fault]:
    labels = timing.group_by or []
    for i, label in enumerate(labels):
        if label in labels[:i]:
            yield Fault((*path, "group_by", i), "duplicate-label", f"the label {shown(label)} is listed twice")
    interval, repeat = timing.group_interval or GROUP_INTERVAL, timing.repeat_interval
    if repeat and (repeat < interval or repeat.milliseconds % interval.milliseconds):
        reason = f"expected a multiple of group_interval, which is {interval}; got {repeat}"
        hint = "Alertmanager looks at a group only once in group_interval"
        yield Fault((*path, "repeat_interval"), "repeat-interval", reason, hint, other=(*path, "group_interval"))


def _mutes(alerting: Alerting, spec: StackSpec) -> Iterator[Fault]:
    names: set[str] = set()
    for i, mute in enumerate(alerting.mute):
        path: Trail = (*_ROOT, "mute", i)
        if mute.name in names:
            yield Fault((*path, "name"), "duplicate-mute", f"the name {shown(mute.name)} is given twice")
        names.add(mute.name)
        yield from _mute(mute, path)
        queues = Entries(spec.queues).names
        for key, written, known in (("owners", mute.owners, owners(spec)), ("queues", mute.queues, queues)):
            yield from _listed(written or (), known, (*path, key))


def _listed(written: Iterable[str], known: Collection[str], path: Trail) -> Iterator[Fault]:
    for i, name in enumerate(written):
        if name not in known:
            reason = f"this stack knows no {shown(name)}"
            yield Fault((*path, i), "unknown-name", reason, nearest(name, known, _known(known)))


def _mute(mute: Mute, path: Trail) -> Iterator[Fault]:
    if mute.weekdays is None and mute.times is None:
        reason = "expected weekdays or times, got neither: it would hold for ever"
        yield Fault(path, "endless-mute", reason, "to switch an alert off, set its threshold to never")
    for i, text in enumerate(mute.times or ()):
        begin, _, end = text.partition("-")
        if not _TIMES.fullmatch(text):
            reason = f"expected two times such as 00:00-06:00, got {shown(text)}"
            yield Fault((*path, "times", i), "mute-times", reason, "hours and minutes with two digits each, to 24:00")
        elif begin >= end:
            reason = f"expected a time that ends on the day it begins, got {shown(text)}"
            hint = f"split it at midnight: {begin}-24:00 and 00:00-{end}"
            yield Fault((*path, "times", i), "mute-times", reason, hint)
    if not _ZONE.fullmatch(mute.location):
        reason = f"expected a time zone such as Europe/Berlin, got {shown(mute.location)}"
        yield Fault((*path, "location"), "time-zone", reason)
