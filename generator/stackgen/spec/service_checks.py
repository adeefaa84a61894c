"""Rules across fields about Flower, logs, docker-compose and image tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from pydantic import BaseModel

from stackgen.catalog.launch import OUR_SECRETS, Secret
from stackgen.catalog.source import Source
from stackgen.document import Trail
from stackgen.spec.checks import Fault
from stackgen.spec.model import StackSpec


def check(spec: StackSpec, sources: Mapping[str, Source]) -> Iterator[Fault]:
    """Every broken rule about the services."""
    yield from _users(spec)
    yield from _hosts(spec)
    yield from _links(spec)
    yield from _loki(spec)
    yield from _metrics(spec)
    yield from _ports(spec)
    yield from _tags(spec, sources)
    yield from _secrets(spec)
    yield from _managed(spec)


def _users(spec: StackSpec) -> Iterator[Fault]:
    users = spec.flower.basic_auth
    if users.users_env and users.users_file:
        reason = "expected either users_env or users_file, got both"
        path = ("flower", "basic_auth", "users_file")
        yield Fault(path, "flower-users", reason, "keep one of the two", True, (*path[:2], "users_env"))


def _hosts(spec: StackSpec) -> Iterator[Fault]:
    for i, host in enumerate(spec.logs.elasticsearch.hosts if spec.logs else ()):
        if not host.startswith("https://"):
            reason = "expected https://, or everybody on the way could read the API key"
            hint = "Elasticsearch 8 and newer speak TLS by themselves; name its authority in ca_file"
            yield Fault(("logs", "elasticsearch", "hosts", i), "not-https", reason, hint)
        elif urlsplit(host)[2:] != ("", "", ""):
            reason = "expected scheme, name and port alone, got an address with a path"
            yield Fault(
                ("logs", "elasticsearch", "hosts", i), "host-path", reason, "such as https://es.example.com:9200"
            )


def _links(spec: StackSpec) -> Iterator[Fault]:
    """What stands behind ? or # would end up in the middle of addresses made from this one, and may be a token."""
    for name in type(spec.links).model_fields:
        if re.search("[?#]", getattr(spec.links, name) or ""):
            reason = "expected an address without query and fragment, got one with (not shown)"
            yield Fault(("links", name), "link-query", reason, "paths are added to it; a token never belongs here")


def _loki(spec: StackSpec) -> Iterator[Fault]:
    if spec.logs is None:
        return
    loki, path = spec.logs.loki, ("logs", "loki")
    if loki.bundled:
        for key in (*loki.login, *(["ca_file"] if loki.ca_file else [])):
            reason = "the Loki of docker-compose has neither users nor tenants, nor TLS"
            hint = "give the url of your own Loki, or remove it"
            yield Fault((*path, key), "loki-login", reason, hint, True, (*path, "url"))
        return
    if loki.login.keys() - {"tenant"} and not loki.url.startswith("https://"):
        reason = "expected https://, or everybody on the way could read the password"
        hint = "name the authority of its certificate in ca_file"
        login = next(key for key in loki.login if key != "tenant")
        yield Fault((*path, "url"), "not-https", reason, hint, other=(*path, login))
    if (loki.user is None) != (loki.password_file is None):
        key, other = ("user", "password_file") if loki.user else ("password_file", "user")
        yield Fault((*path, key), "loki-login", f"expected {other} as well", f"add {other}", True, (*path, other))
    elif loki.user and loki.token_file:
        reason = "expected either a user or a token, got both"
        yield Fault((*path, "token_file"), "loki-login", reason, "keep one of the two", True, (*path, "user"))


def _metrics(spec: StackSpec) -> Iterator[Fault]:
    """A source without targets is the endpoint of our own file."""
    ours = any(source.name == "worker" and not source.targets and not source.kubernetes for source in spec.sources)
    if ours and not spec.workers_serve:
        reason = "the source worker scrapes the endpoint that is switched off here"
        hint = "remove this line, or worker from sources"
        yield Fault(("app", "metrics", "enabled"), "metrics-off", reason, hint, other=("sources",))


def _ports(spec: StackSpec) -> Iterator[Fault]:
    taken: dict[int, str] = {}
    ours = spec.logs is not None and "alloy" in spec.logs.shippers and spec.logs.loki.bundled
    for name in type(spec.compose.ports).model_fields:
        if name == "loki" and not ours:
            continue
        port: int = getattr(spec.compose.ports, name)
        first = taken.setdefault(port, name)
        if first != name:
            reason = f"port {port} of the host is already that of {first}"
            path = ("compose", "ports")
            hint = "every web interface needs its own"
            yield Fault((*path, name), "duplicate-port", reason, hint, other=(*path, first))


def _tags(spec: StackSpec, sources: Mapping[str, Source]) -> Iterator[Fault]:
    for name, tag in spec.versions.items():
        if tag.partition("@")[0] == "latest" and "@" not in tag:
            reason = "latest is another program every week: expected a tag that stays, or a digest"
            yield Fault(("versions", name), "unpinned-version", reason, "such as latest@sha256:... with its digest")
    for i, chosen in enumerate(spec.sources):
        known = sources[chosen.name].versions if chosen.name in sources else {}
        image = known.get(chosen.version or next(iter(known), ""))
        if image and not image.tag and chosen.name not in spec.versions:
            reason = f"version {image.version} of {chosen.name} is not released, so no tag of its image is known"
            hint = f"say under `versions` which image you run: {chosen.name}: tag, or tag@sha256:..."
            yield Fault(("sources", i, "version"), "unpinned-version", reason, hint)


def _secrets(spec: StackSpec) -> Iterator[Fault]:
    """Files whose secrets would have one name, so that a container would be given the other's."""
    taken: dict[str, str] = {}
    for path, file in files({"flower": spec.flower, "alerting": spec.alerting, "logs": spec.logs}):
        name = Secret.at(file, "given", "").name
        if name in OUR_SECRETS:
            reason = f"the secret {file} is one that the stack makes for itself"
            yield Fault(path, "reserved-secret", reason, "give the file another name")
        elif taken.setdefault(name, file) != file:
            reason = f"the secrets {taken[name]} and {file} would both be named {name}"
            yield Fault(path, "duplicate-secret", reason, "give one of the files another name")


def files(part: object, path: Trail = ()) -> Iterator[tuple[Trail, str]]:
    """The values of all fields named *_file in a part of the spec, each with its place."""
    if isinstance(part, BaseModel):
        part = {field.alias or name: getattr(part, name) for name, field in type(part).model_fields.items()}
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in items:
        if str(name).endswith("_file") and isinstance(value, str):
            yield (*path, name), value
        else:
            yield from files(value, (*path, name))


def _managed(spec: StackSpec) -> Iterator[Fault]:
    """A Grafana of others has no data source whose UID we know; a brace would end `$__file{}`."""
    for path, file in files({"alerting": spec.alerting}) if spec.grafana_notifies else ():
        if re.search(r"[{}]|\$\$", file):
            reason = f"Grafana could not read the secret {file}: there may be no brace and no $$ in its path"
            yield Fault(path, "grafana-secret", reason, "give the file another name")
    if spec.wants("grafana_managed") and spec.shares("grafana") and not spec.grafana_managed.datasource:
        reason = "Grafana is others', and nothing says which data source its rules ask"
        yield Fault(("outputs",), "no-datasource", reason, "grafana_managed.datasource: its UID")
