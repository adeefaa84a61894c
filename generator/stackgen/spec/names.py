"""The texts of stack.yaml, one type each: names, versions, hosts, paths and addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic_core import CoreSchema, core_schema

from stackgen.spec.scalars import QUOTE, refuse

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler


class Form(NamedTuple):
    """What a text must look like: put into Annotated[str, Form(...)].

    `pattern` is what editors check: wider than `accept` where an expression cannot say it all.
    """

    rule: str
    expected: str
    accept: Callable[[str], object]
    hint: str = ""
    pattern: str = "."

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.str_schema(pattern=self.pattern)
        return core_schema.no_info_plain_validator_function(self.check, json_schema_input_schema=written)

    def check(self, value: object) -> str:
        """The text itself; raises PydanticCustomError."""
        if not isinstance(value, str):
            quote = isinstance(value, int | float) and self.accept(str(value).lower())
            refuse(self.rule, self.expected, QUOTE if quote else self.hint)
        if not self.accept(value):
            refuse(self.rule, self.expected, self.hint)
        return value


def like(rule: str, pattern: str, expected: str, hint: str) -> Form:
    """A text that the whole of a regular expression matches."""
    # Compiled when a text must match: a stack.yaml has few of these texts.
    return Form(rule, expected, lambda text: re.fullmatch(pattern, text, re.ASCII), hint, f"^{pattern}$")


def _name(rule: str, expected: str) -> Form:
    return Form(rule, expected, _is_name, "not empty, at most 200 characters, no control characters")


# Tab and newline are the only control characters a name may have; lone surrogates are no text at all.
_NAME = re.compile("[^\0-\x08\x0b-\x1f\x7f\ud800-\udfff]{1,200}")


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and not text.isspace()


def _is_host(text: str) -> bool:
    if text.startswith("[") and text.endswith("]"):
        try:
            return ipaddress.IPv6Address(text[1:-1]).scope_id is None
        except ValueError:
            return False
    return re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", text) is not None


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,4}", text) is not None and int(text) <= 65535


def _is_host_port(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return _is_host(host) and _is_port(port)


def _is_url(text: str) -> bool:
    if not re.fullmatch(r"https?://[!-~]{1,500}", text) or set(text) & set("\"'<>\\^`{|}"):
        return False
    if re.search("%(?![0-9A-Fa-f]{2})", text):  # which Go's parser refuses
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    return "@" not in parts.netloc and _is_host(host)


def _is_relative(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9._][A-Za-z0-9._/-]{0,200}", text) is not None and ".." not in text.split("/")


HostPort = Annotated[
    str,
    Form(
        "host-port",
        "host:port, such as celery-exporter:9808",
        _is_host_port,
        "no http:// and no path; an IPv6 address stands in brackets: [::1]:9808",
        "^.+:[1-9][0-9]{0,4}$",
    ),
]
"""Host and port of a scraped endpoint."""

_TARGET_FILE = r"file:(/[A-Za-z0-9_.-]+)*/[A-Za-z0-9_.*-]+\.(json|yml|yaml)"


def _is_target(text: str) -> bool:
    return bool(re.fullmatch(_TARGET_FILE, text)) or _is_host_port(text.removeprefix("dns:"))


ScrapeTarget = Annotated[
    str,
    Form(
        "host-port",
        "host:port, dns:name:port or file:/path/*.json, such as celery-exporter:9808",
        _is_target,
        "no http:// and no path; an IPv6 address stands in brackets: [::1]:9808",
        "^(.+:[1-9][0-9]{0,4}|file:/.+)$",
    ),
]
"""Where Prometheus finds a program, or several."""

_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?"
_TAG_HINT = "the tag alone, without the image's name"
VersionTag = Annotated[str, like("version-tag", _TAG, "a version or image tag such as v3.5.3", _TAG_HINT)]
"""The tag of a container image, with or without its digest."""

_SLUG = r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?"
_SLUG_SAID = "at most 40 lower-case letters, digits and -, a letter first"
Slug = Annotated[str, like("slug", _SLUG, _SLUG_SAID, "it becomes part of file names, labels and container names")]
"""A short name that is safe in file names, labels and container names."""

QueueName = Annotated[str, _name("queue-name", "a queue's name")]
"""A queue as the broker knows it; any text, case counts."""

TaskName = Annotated[str, _name("task-name", "a task's name")]
"""A task as Celery knows it, such as shop.tasks.send_mail; any text, case counts."""

VirtualHost = Annotated[str, _name("vhost", "a virtual host's name")]
"""A virtual host of RabbitMQ; any text, case counts."""

_PREFIX_SAID = "the beginning of a key, such as shop:"
KeyPrefix = Annotated[str, like("key-prefix", r"[!-~]{0,100}", _PREFIX_SAID, "letters, digits and signs, no spaces")]
"""What every key of Redis begins with; "" for nothing."""

_SEPARATOR_SAID = "a text between queue and priority, such as :"
KeySeparator = Annotated[str, _name("key-separator", _SEPARATOR_SAID)]
"""What stands between a queue's name and a priority."""

_MASTER_SAID = "the name of a master as Sentinel knows it, such as mymaster"
MasterName = Annotated[str, like("master-name", r"[A-Za-z0-9_.-]{1,100}", _MASTER_SAID, "letters, digits and _ . -")]
"""A master that Sentinel watches."""

OwnerName = Annotated[str, _name("owner-name", "a team's name")]
"""The team that is told."""

_LABEL = r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,99}"
_LABEL_SAID = "a label's name: letters, digits and _, no digit and no __ first"
LabelName = Annotated[str, like("label-name", _LABEL, _LABEL_SAID, "write team_name, not team-name")]
"""A Prometheus label's name."""

LabelValue = Annotated[str, _name("label-value", "a label's text")]
"""A Prometheus label's value."""

_ENV_SAID = "the name of an environment variable such as CELERY_BROKER_URL"
_ENV_HINT = "capital letters, digits and _: the variable's name, never its value"
EnvName = Annotated[str, like("env-name", r"[A-Z_][A-Z0-9_]{0,99}", _ENV_SAID, _ENV_HINT)]
"""The name of an environment variable."""

_PATH = r"(?!.*/\.\.(/|$))/[!-\[\]-~]{1,400}"
_PATH_SAID = "an absolute path such as /run/secrets/broker_url"
AbsPath = Annotated[str, like("path", _PATH, _PATH_SAID, "it starts with / and has no spaces, no .. or \\")]
"""An absolute path."""

_SECRET_PATH = r"(?!.*/\.\.(/|$))(/[A-Za-z0-9_.-]{1,80}){1,10}"
_SECRET_SAID = "the path of a secret file such as /run/secrets/loki_password"
SecretPath = Annotated[str, like("secret-path", _SECRET_PATH, _SECRET_SAID, "letters, digits and _ . - /, no ..")]
"""The path of a secret file, in letters that every program's own expansion leaves alone."""

_TENANT = r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,150}"
_TENANT_HINT = "it becomes the name of a folder"
TenantId = Annotated[str, like("tenant", _TENANT, "a tenant's id: letters, digits and _ . -", _TENANT_HINT)]
"""A tenant of Loki."""

_UID_SAID = "the UID of a data source, as its address in Grafana ends"
DatasourceUid = Annotated[
    str, like("datasource-uid", r"[A-Za-z0-9_-]{1,40}", _UID_SAID, "at most 40 letters, digits and _ -")
]
"""A data source of Grafana."""

_LOGIN = r"[!#%&'()*+,./0-9;<=>?@A-Z\[\]^_`a-z{|}~-]{1,200}"
LoginName = Annotated[str, like("login-name", _LOGIN, "a user's name", "no spaces, quotes, colons, backslashes or $")]
"""A user's name for basic authentication."""

_URL_SAID = "an address such as https://grafana.example.com"
Url = Annotated[
    str, Form("url", _URL_SAID, _is_url, "http:// or https://, without user and password; % is %25", "^https?://")
]
"""An http or https address without credentials."""

_PREFIX_HINT = "it starts with / and does not end with one; nothing at all when there is no prefix"
_JOB_SAID = "at most 200 letters, digits and _ - . / : @"
_JOB = r"[A-Za-z0-9_./:@-]{1,200}"
JobName = Annotated[str, like("job-name", _JOB, _JOB_SAID, "as its series in Prometheus have it")]
"""The label `job` of what is scraped, such as shop/celery-worker."""

UrlPath = Annotated[str, like("url-path", r"(/[A-Za-z0-9_.~-]{1,60}){0,4}", "a path such as /flower", _PREFIX_HINT)]
"""The path under which a reverse proxy serves a program; "" for none."""

_GLOB = r"(?!.*/\.\.(/|$))(/[A-Za-z0-9_.-]{1,80}){1,8}/[A-Za-z0-9_.*?-]{1,80}"
_GLOB_HINT = "it starts with /; * and ? stand in the file's name only"
LogGlob = Annotated[str, like("log-glob", _GLOB, "log files such as /var/log/celery/*.log", _GLOB_HINT)]
"""Log files in one folder."""

_REGION = r"[a-z]{2,3}(-[a-z]{2,10}){1,3}-[0-9]{1,2}"
AwsRegion = Annotated[str, like("aws-region", _REGION, "a region such as eu-central-1", "not a zone such as 1a")]
"""A region of AWS."""

_GROUP = r"(?!aws/)[A-Za-z0-9_./#-]{1,512}"
_GROUP_SAID = "a log group such as celery/shop/production"
LogGroup = Annotated[
    str, like("log-group", _GROUP, _GROUP_SAID, "letters, digits and _ - / . #; names that begin with aws/ are taken")
]
"""A log group of CloudWatch."""

_NAMESPACE = r"(?!AWS/)[A-Za-z0-9_./#-][A-Za-z0-9_./#:-]{0,254}"
_NAMESPACE_HINT = "letters, digits and . - _ / # :, at most 255; names that begin with AWS/ are taken"
MetricNamespace = Annotated[
    str, like("metric-namespace", _NAMESPACE, "a namespace such as Celery/shop", _NAMESPACE_HINT)
]
"""A namespace of CloudWatch metrics."""

_TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"
_TOPIC_SAID = "the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:celery"
TopicArn = Annotated[str, like("topic-arn", _TOPIC, _TOPIC_SAID, "a topic of SNS in the same region, not a FIFO one")]
"""An SNS topic."""


def _is_address(text: str) -> bool:
    try:
        return str(ipaddress.ip_address(text)) == text
    except ValueError:
        return False


IpAddress = Annotated[
    str,
    Form(
        "ip-address", "an address such as 0.0.0.0 or 127.0.0.1", _is_address, "an IP address of this machine, no port"
    ),
]
"""An address of the machine."""

_ARGUMENT_SAID = "the name of a task's argument, such as order_id"
ArgumentName = Annotated[
    str, like("argument-name", r"[A-Za-z_]\w{0,99}", _ARGUMENT_SAID, "as it stands in the task's definition")
]
"""An argument of a task."""

_FIELD_SAID = "the name of a log record's field, such as order_id"
FieldName = Annotated[str, like("field-name", r"[A-Za-z_]\w{0,99}", _FIELD_SAID, "letters, digits and _, no dots")]
"""A field that the application gives its log records."""

_SERVICE = r"[A-Za-z0-9_][A-Za-z0-9_./:+-]{0,99}"
_SERVICE_HINT = "letters, digits and _ . / : + -, no spaces"
ServiceName = Annotated[str, like("service-name", _SERVICE, "a name such as shop-workers", _SERVICE_HINT)]
"""The name of an application in a service that collects its traces."""

_APP = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?"
AppName = Annotated[
    str, like("app", _APP, "a Python module such as proj.celery or proj.celery:app", "what you give to `celery -A`")
]
"""What `celery -A` is given."""

_RELEASE = r"[0-9]{1,5}(\.[0-9]{1,5}){0,3}"
Release = Annotated[str, like("version", _RELEASE, 'a version such as "5.7" or "0.12.2"', "digits and dots only")]
"""A program's version number."""

PathOrUrl = Annotated[
    str,
    Form(
        "path-or-url",
        "a path in the repository or an http(s) address",
        lambda text: _is_url(text) or _is_relative(text),
        "a path has no spaces, no .. and no / at the start",
    ),
]
"""A path in the repository, or an address."""
