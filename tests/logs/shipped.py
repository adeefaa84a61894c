"""What Filebeat sends of a line: the processors of filebeat.yml, of which only those that we print are known.

Facts are from libbeat's source: processors/actions/decode_json_fields.go, common/jsontransform/jsonhelper.go (the
timestamp is taken when it is RFC 3339, the rest is merged) and publisher/processing (host, agent, ecs come first; a
processor that fails does not stop those after it). tests/logs/README.md says what libbeat itself made of the lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

Event = dict[str, Any]
READ = "2026-11-28T09:00:00.000Z"
"""When Filebeat read the lines: the time of those that say none."""


def documents(config: Mapping[str, Any], lines: Iterable[str], file: str = "/var/log/celery/w.log") -> Iterator[Event]:
    """The document of each line, by a parsed filebeat.yml."""
    offset = 0
    for text in lines:
        event: Event = {
            "@timestamp": READ,
            "message": text,
            "log": {"offset": offset, "file": {"path": file}},
            "input": {"type": "filestream"},
            "ecs": {"version": "8.0.0"},
            "host": {"name": "shipper"},
            "agent": {"id": "1", "ephemeral_id": "2", "name": "shipper", "type": "filebeat", "version": "9.5.6"},
        }
        for processor in config["processors"]:
            ((name, options),) = processor.items()
            if "when" not in options or _holds(options["when"], event):
                _PROCESSORS[name](event, options)
        yield event
        offset += len(text.encode()) + 1


def _holds(when: Mapping[str, Mapping[str, str]], event: Event) -> bool:
    ((kind, fields),) = when.items()
    assert kind == "regexp"
    return all(re.search(pattern, str(event.get(name, ""))) for name, pattern in fields.items())


def _decode(event: Event, options: Mapping[str, Any]) -> None:
    assert (options["fields"], options["target"], options["overwrite_keys"]) == (["message"], "", True)
    try:
        found = json.loads(event["message"])
    except ValueError as error:
        said = {"message": f"parsing input as JSON: {error}", "type": "json"}
        event["error"] = {**said, "data": event["message"], "field": "message"}
        return
    when = found.pop("@timestamp", None)
    if isinstance(when, str) and datetime.fromisoformat(when).tzinfo:
        event["@timestamp"] = when
    found.pop("@metadata", None)
    _merge(event, found)


def _add(event: Event, options: Mapping[str, Any]) -> None:
    assert options["target"] == ""
    _merge(event, options["fields"])


def _merge(into: Event, more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping):
            inner = into.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = into[key] = {}
            _merge(inner, value)
        else:
            into[key] = value


_PROCESSORS: Mapping[str, Callable[[Event, Mapping[str, Any]], None]] = {
    "decode_json_fields": _decode,
    "add_fields": _add,
}
