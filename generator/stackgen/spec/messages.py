"""Pydantic's findings in our words: ONE table from its error type to our rule id and sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, get_args

from stackgen.document import Document, Trail, shown
from stackgen.overlay import NEW
from stackgen.spec import fieldtext
from stackgen.spec.checks import Fault, nearest
from stackgen.spec.model import StackSpec
from stackgen.spec.part import Part
from stackgen.spec.scalars import QUOTE, decimal_form
from stackgen.spec.thresholds import Signals, expected

KEY = "[key]"
"""What Pydantic puts at the end of the location of a key."""


class Finding(NamedTuple):
    """One of Pydantic's errors, with what is needed to say it well."""

    doc: Document
    path: Trail
    context: Mapping[str, object]
    signals: Signals

    def got(self) -> str:
        """What the user wrote, for a message."""
        if self.path[-1:] == (KEY,):
            return shown(str(self.path[-2]))
        return self.doc.shown(self.path)

    def raw(self) -> str:
        """The user's own text where it may be repeated in a hint, else nothing."""
        text = self.doc.walk(self.path)[1].text or ""
        return text if self.got() != "(not shown)" and text.isprintable() and len(text) <= 60 else ""

    def known_keys(self) -> list[str]:
        """The keys a person may write in the mapping around this value."""
        part = _shape(self.path[:-1])
        return [f.alias or name for name, f in part.model_fields.items()] if part else []


Said = tuple[str, str]
"""Message and hint."""


def fault(doc: Document, error: Mapping[str, object], signals: Signals) -> Fault:
    """One of Pydantic's errors as a Fault; an unknown type is told as it is."""
    kind, path = str(error["type"]), error["loc"]
    context = error.get("ctx")
    finding = Finding(
        doc, path if isinstance(path, tuple) else (), context if isinstance(context, Mapping) else {}, signals
    )
    at_key = finding.path[-1:] == (KEY,)
    rule, say = TABLE.get(kind, ("untranslated", lambda _: (str(error["msg"]), "")))
    message, hint = say(finding)
    absent = kind == "missing" and finding.path not in doc.resets
    trail = finding.path[:-1] if at_key or absent else finding.path
    return Fault(trail, rule, message, hint, at_key or kind in ("missing", "extra_forbidden"))


def _shape(path: Trail) -> type[Part] | None:
    """The model that stands at a path of stack.yaml."""
    shape: object = StackSpec
    for step in path:
        shape = _bare(shape)
        if isinstance(shape, type) and issubclass(shape, Part):
            fields = {f.alias or name: f.annotation for name, f in shape.model_fields.items()}
            shape = fields.get(str(step))
        else:
            shape = next(iter(reversed(get_args(shape))), None)
    shape = _bare(shape)
    return shape if isinstance(shape, type) and issubclass(shape, Part) else None


def _bare(shape: object) -> object:
    """An annotation without `| None` and Annotated."""
    while True:
        args = get_args(shape)
        if hasattr(shape, "__metadata__"):
            shape = args[0]
        elif type(None) in args:
            shape = next(a for a in args if a is not type(None))
        else:
            return shape


def _missing(f: Finding) -> Said:
    part = _shape(f.path[:-1])
    hint = " ".join(fieldtext.of(part).get(str(f.path[-1]), "").split()) if part else ""
    said = "has no default" if f.path in f.doc.resets else "is missing"
    return f"the key `{f.path[-1]}` {said}", hint


def _unknown_key(f: Finding) -> Said:
    key, known = str(f.path[-1]), f.known_keys()
    part = _shape(f.path[:-1])
    message = f"no key named {shown(key)} here"
    if part is not None and "thresholds" in known and key in f.signals:
        return message, "numbers stand under `thresholds`: thresholds: {" + key + ": {critical: ...}}"
    if f.path == (NEW,):
        return message, "only a file that `extends` another says what is new in it"
    if re.fullmatch(r"[0-9]{3}", key):
        return message, "a number has no commas in it: 1,000 is written 1000"
    if re.fullmatch(r"(?i)(broker_?)?(url|dsn)|password", key):
        return message, "secrets are references: url_env names an environment variable, url_file a file"
    return message, nearest(key, known, f"known here: {', '.join(known)}")


_INSTEAD: Mapping[str, str] = {
    "promtail": "Promtail's support ended on 2026-03-02; alloy is its successor, and sends to the same Loki",
    "loki": "alloy sends to Loki",
    "elasticsearch": "filebeat sends to Elasticsearch",
    "processes": "Celery calls it prefork",
    "amqp": "for RabbitMQ write rabbitmq",
    **dict.fromkeys(("dlq", "dead", "deadletter", "dead-letter"), "did you mean dead_letter?"),
}
"""What is meant by a word of the field that is none of the choices."""


def _choice(f: Finding) -> Said:
    wanted = str(f.context.get("expected"))
    numbers = [] if "'" in wanted else [int(number) for number in re.findall("[0-9]+", wanted)]
    if len(numbers) > 1:
        return f"expected {wanted}, got {f.got()}", _nearest_numbers(f.raw(), numbers)
    choices = re.findall(r"'([^']+)'", wanted) or [wanted]
    node = f.doc.walk(f.path)[1]
    quotes = "without quotes" if node.quoted and node.text in choices else ""
    listed = " or ".join([", ".join(choices[:-1]), choices[-1]] if len(choices) > 1 else choices)
    return f"expected {listed}, got {f.got()}", quotes or _INSTEAD.get(f.raw()) or nearest(f.raw(), choices)


def _nearest_numbers(raw: str, known: Sequence[int]) -> str:
    """A hint that names the neighbours among known numbers, which rise."""
    if not re.fullmatch("[0-9]{1,9}", raw):
        return "a whole number, without a unit"
    number = int(raw)
    if number in known:
        return f"a number is written without quotes: {number}"
    near = [*[n for n in known if n < number][-1:], *[n for n in known if n > number][:1]]
    return f"write {' or '.join(map(str, near))}"


def _boolean(f: Finding) -> Said:
    word = f.raw().lower()
    yes, no = word in ("yes", "on", "y", "true", "1"), word in ("no", "off", "n", "false", "0")
    return f"expected true or false, got {f.got()}", "write true" if yes else "write false" if no else ""


def _integer(f: Finding) -> Said:
    raw = f.raw()
    number = decimal_form(raw)
    hint = f"YAML reads {raw} as text; write {number}" if number and "." not in number else ""
    plain = raw.replace("_", "").replace(",", "")
    if re.fullmatch(r"[1-9][0-9]{0,14}", plain):
        hint = f"write {plain}" if plain != raw else f"a number is written without quotes: {raw}"
    return f"expected a whole number, got {f.got()}", hint


def _range(f: Finding) -> Said:
    bound = f"{f.context['ge']} or more" if "ge" in f.context else f"at most {f.context.get('le')}"
    return f"expected a whole number of {bound}, got {f.got()}", ""


def _number(f: Finding) -> Said:
    wanted, hint = str(f.context["expected"]), str(f.context["hint"])
    at = f.path.index("thresholds") + 1 if "thresholds" in f.path[:-1] else len(f.path)
    signal = f.signals.get(str(f.path[at])) if at < len(f.path) else None
    if f.got() == "never":
        hint = f"`never` is for all at once; set it under thresholds.{f.path[at]}"
    return f"expected {expected(signal) if signal else wanted}, got {f.got()}", hint


def _value(f: Finding) -> Said:
    hint, raw = str(f.context["hint"]), f.raw()
    if hint == QUOTE:
        hint = f'write it in quotes: "{raw}"' if raw else "write it in quotes"
    return f"expected {f.context['expected']}, got {f.got()}", hint


def _text(f: Finding) -> Said:
    if f.got() == "nothing":
        return "expected text, got nothing", 'after a space, # begins a comment: write such text in quotes, "#celery"'
    return f"expected text, got {f.got()}", f'write it in quotes: "{f.raw()}"' if f.raw() else ""


def _mapping(f: Finding) -> Said:
    got = f.got()
    known = f._replace(path=(*f.path, "")).known_keys()
    hint = f"with the keys {', '.join(known)}" if known else ""
    if got == "a list":
        hint = "write each name with a colon and without a dash: `name:`"
    return f"expected a mapping, got {got}", hint


def _list(f: Finding) -> Said:
    return (
        f"expected a list, got {f.got()}",
        f"write it in brackets: [{f.raw()}]" if f.raw() else "write each with a dash",
    )


def _too_few(f: Finding) -> Said:
    return f"expected at least {f.context.get('min_length')}, got none", "name at least one"


_VALUES = (
    *(
        "app",
        "bytes",
        "duration",
        "duration-range",
        "env-name",
        "host-port",
        "job-name",
        "label-name",
        "label-selector",
        "store-entry",
        "label-value",
        "owner-name",
    ),
    *("cpus", "container-user", "extra-host", "image-name", "network-name"),
    *("path", "path-or-url", "queue-name", "slug", "task-name", "url", "version", "version-tag"),
    *("ip-address", "log-glob", "url-path", "argument-name", "field-name", "service-name", "share"),
    *("aws-region", "log-group", "metric-namespace", "topic-arn"),
    *("login-name", "secret-path", "tenant", "whole-days"),
    *("object-name", "object-label", "image", "datasource-uid"),
    *("vhost", "key-prefix", "key-separator", "master-name"),
)
"""Errors that scalars.py and names.py raise themselves: the type is the rule id."""

TABLE: Mapping[str, tuple[str, Callable[[Finding], Said]]] = {
    "missing": ("missing-key", _missing),
    "extra_forbidden": ("unknown-key", _unknown_key),
    "literal_error": ("choice", _choice),
    "bool_type": ("boolean", _boolean),
    "int_type": ("integer", _integer),
    "greater_than_equal": ("integer-range", _range),
    "less_than_equal": ("integer-range", _range),
    "string_type": ("text", _text),
    "dict_type": ("mapping", _mapping),
    "model_type": ("mapping", _mapping),
    "list_type": ("list", _list),
    "too_short": ("too-few", _too_few),
    "number": ("number", _number),
    **{rule: (rule, _value) for rule in _VALUES},
}
