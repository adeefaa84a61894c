"""Whole stack.yaml files: those of specs.py, and with them the sections that say nothing of a threshold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.hostile.drawn import matching, of_form
from tests.hostile.specs import Spec, names, specs

_PATHS = of_form("/srv/{}", matching(r"[!-.0-\[\]-~]", 30))
"""As every program must take them: quotes, braces, hashes, and characters that shells know."""
_LOGS = of_form("/srv/{}/*.log", matching(r"[A-Za-z0-9_-]", 10))
_URLS = of_form("https://example.com/{}", matching(r"[A-Za-z0-9$&*()+,;=:@!~._\[\]-]", 30).map("%7B{}%25".format))
_LABELS = of_form("lab_{}", matching(r"[A-Za-z_]", 10))
_USERS = of_form("{}", matching(r"[!#%&'()*+,./0-9;<=>?@A-Z\[\]^_`a-z{|}~-]", 20))
_CHANNELS = of_form("#{}", matching(r"""[!-"$-?A-z|~]""", 20))
_MAILS = of_form("{}@example.com", matching(r"""[!-+.-;=?A-z|~-]""", 20))
_SECRETS = of_form("/run/secrets/{}", matching(r"[A-Za-z0-9_.-]", 20))
_SEVERITIES = ("info", "warning", "critical")


def _maybe(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Spec]:
    """A mapping with some of these keys."""
    return st.fixed_dictionaries({}, optional=strategies)


_WAYS: dict[str, st.SearchStrategy[Any]] = {
    "pagerduty": st.fixed_dictionaries({"routing_key_file": _PATHS}),
    "slack": st.fixed_dictionaries({"api_url_file": _PATHS, "channel": _CHANNELS}),
    "email": st.fixed_dictionaries(
        {"to": _MAILS, "from": _MAILS, "smarthost": st.just("mail:25"), "username": names, "password_file": _PATHS}
    ),
    "webhook": st.one_of(st.fixed_dictionaries({"url": _URLS}), st.fixed_dictionaries({"url_file": _PATHS})),
    "msteamsv2": st.fixed_dictionaries({"webhook_url_file": _PATHS}),
    "opsgenie": st.fixed_dictionaries({"api_key_file": _PATHS}),
}
_RECEIVER = st.lists(st.sampled_from(sorted(_WAYS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda ways: st.fixed_dictionaries({way: _WAYS[way] for way in ways})
)
_TIMING = _maybe(
    group_by=st.lists(st.one_of(st.sampled_from(("alertname", "queue", "owner")), _LABELS), min_size=1, unique=True),
    group_wait=st.sampled_from(("0s", "10s", "1m")),
    group_interval=st.sampled_from(("1m", "5m")),
    repeat_interval=st.sampled_from(("10m", "1h", "1d")),
)
_TIMES = st.lists(st.sampled_from(("00:00-06:00", "22:00-24:00", "12:30-12:31")), min_size=1, unique=True)


_BY_DAY: st.SearchStrategy[Spec] = st.fixed_dictionaries(
    {"weekdays": st.lists(st.sampled_from(("monday", "sunday")), min_size=1, unique=True)}
)
_BY_TIME: st.SearchStrategy[Spec] = st.fixed_dictionaries(
    {"times": _TIMES, "location": st.sampled_from(("UTC", "Europe/Berlin"))}
)


@st.composite
def _alerting(draw: st.DrawFn, queues: list[str], owners: list[str]) -> Spec:
    receivers = draw(st.dictionaries(st.sampled_from(("oncall", "chat", "all")), _RECEIVER, min_size=1))
    told = st.sampled_from((*receivers, "nobody"))
    each = st.one_of(told, st.fixed_dictionaries({}, optional=dict.fromkeys(_SEVERITIES, told)))
    mutes = [
        {"name": f"mute-{number}", **draw(when), **draw(whose)}
        for number, when in enumerate(draw(st.lists(st.sampled_from((_BY_DAY, _BY_TIME)), max_size=2)))
        for whose in (_whose(queues, owners),)
    ]
    return {
        "receivers": receivers,
        "default": draw(each),
        "owners": draw(st.dictionaries(st.sampled_from(owners), each, max_size=2)),
        "queues": draw(st.dictionaries(st.sampled_from(queues), each, max_size=2)),
        "watchdog": draw(told),
        "timing": draw(st.fixed_dictionaries({}, optional=dict.fromkeys(_SEVERITIES, _TIMING))),
        "mute": mutes,
    }


def _whose(queues: list[str], owners: list[str]) -> st.SearchStrategy[Spec]:
    return _maybe(
        severities=st.lists(st.sampled_from(_SEVERITIES), min_size=1, unique=True),
        owners=st.lists(st.sampled_from(owners), min_size=1, max_size=2, unique=True),
        queues=st.lists(st.sampled_from(queues), min_size=1, max_size=2, unique=True),
    )


_BACKENDS = {
    "path": _LOGS,
    "host_folder": _PATHS,
    "elasticsearch": _maybe(
        hosts=st.just(["https://es.example.com:9200"]),
        api_key_env=st.just("LOGS_KEY"),
        ca_file=_PATHS,
        retention=st.sampled_from(("1d", "90d")),
    ),
    "loki": _maybe(
        url=st.just("https://loki.example.com"),
        tenant=st.just("shop"),
        ca_file=_SECRETS,
        retention=st.sampled_from(("1d", "90d")),
    )
    | st.fixed_dictionaries({"url": st.just("https://l.example.com"), "user": _USERS, "password_file": _SECRETS}),
    "cloudwatch": _maybe(
        region=st.just("eu-central-1"),
        log_group=of_form("celery/{}", matching(r"[A-Za-z0-9_./#-]", 20)),
        namespace=of_form("Celery/{}", matching(r"[A-Za-z0-9_./#:-]", 20)),
        credentials_file=_PATHS,
    ),
}
_LOGS_SECTION = st.lists(st.sampled_from(("filebeat", "alloy", "cloudwatch")), min_size=1, unique=True).flatmap(
    lambda shippers: st.fixed_dictionaries({"shippers": st.just(shippers)}, optional=_BACKENDS)
)
_FLOWER = _maybe(
    port=st.sampled_from((5555, 5600)),
    url_prefix=of_form("/{}", matching(r"[A-Za-z0-9_.~-]", 20)),
    basic_auth=st.one_of(st.fixed_dictionaries({"users_file": _PATHS}), st.just({"users_env": "USERS"})),
    persistent=st.booleans(),
    database=_PATHS,
)
_APP = _maybe(
    logs=_maybe(
        path=_PATHS,
        level=st.sampled_from(("debug", "error")),
        allow_arguments=st.dictionaries(names, st.just(["order_id"]), max_size=2),
        allow_fields=st.just(["order_id"]),
    ),
    sentry=st.fixed_dictionaries({"enabled": st.booleans()}),
    newrelic=st.fixed_dictionaries(
        {"enabled": st.booleans(), "app_name": of_form("{}", matching(r"[A-Za-z0-9_./:+-]", 20))}
    ),
    opentelemetry=st.fixed_dictionaries({"enabled": st.booleans()}),
)
_COMPOSE = _maybe(
    project=st.just("shop-x"),
    selinux=st.booleans(),
    retention=st.sampled_from(("7d", "90d")),
    engine=_maybe(data=_PATHS, socket=_PATHS),
    services=st.just({"prometheus": {"cpus": "0.5", "extra_hosts": ["h:host-gateway"], "networks": ["other"]}}),
)
_LINKS = _maybe(grafana=_URLS, prometheus=_URLS, alertmanager=_URLS, runbooks=_URLS)
_KINDS = ("alertmanager", "celery", "compose", "docs", "exporters", "flower", "grafana", "logs", "prometheus")
_OUTPUTS = st.lists(st.sampled_from((*_KINDS, "runbooks", "schema")), min_size=1, unique=True)
_STARRED = of_form("{}*", names) | of_form("*{}", names) | names
_MATCHES = of_form("*{}*", names) | of_form("{}*", names) | names


@st.composite
def stacks(draw: st.DrawFn) -> Spec:
    """A stack.yaml with any of its sections, all texts hostile that may be."""
    made = draw(specs())
    parts = (*made["queues"].values(), *made["tasks"].values())
    owners = list(dict.fromkeys([made["stack"]["owner"], *(part["owner"] for part in parts if "owner" in part)]))
    sections = {
        "alerting": _alerting(list(made["queues"]), owners),
        "logs": _LOGS_SECTION,
        "flower": _FLOWER,
        "app": _APP,
        "compose": _COMPOSE,
        "links": _LINKS,
        "ignore": _maybe(tasks=st.lists(_STARRED, max_size=2), queues=st.lists(_STARRED, max_size=2)),
        "versions": st.just({"grafana": "12.1.0"}),
    }
    for name, section in sections.items():
        made.pop(name, None)
        if draw(st.integers(0, 5)):
            made[name] = draw(section)
    if draw(st.integers(0, 4)) == 0:
        made["outputs"] = draw(_OUTPUTS)
    if draw(st.booleans()):
        made["celery"]["broker"]["url_file"] = draw(_PATHS)
    made["sources"] = [
        {"name": one, "match": draw(_MATCHES)}
        if one in ("cadvisor", "process-exporter") and draw(st.booleans())
        else one
        for one in made["sources"]
    ]
    return made
