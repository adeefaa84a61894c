"""Lines that others write into the same files: each clashes with ours, with another, or with what carries lines."""

from __future__ import annotations

import json
from typing import Any

_TIME = "2026-11-28T02:00:00.000Z"


def _json(**fields: Any) -> str:
    return json.dumps({"@timestamp": _TIME, **fields})


WHOLE = (
    _json(message="x", error="boom"),
    _json(message="wide", **{f"field_{number}": number for number in range(1500)}),
    _json(message="mapping", user={"id": 7, "name": "u1"}, order=12),
    _json(message="text", user="u1", order="A-12"),
    _json(message="list", user=["a", {"b": 1}], order={"id": 12}),
    _json(event="user.created", level="info", user_id=7),
    *(_json(message=name, **{name: "x"}) for name in ("host", "log", "service", "celery", "process", "event", "agent")),
    _json(message="dots", **{"user.id": "7", "user.id.x": 1, "event.duration": "fast", "event.start": "yesterday"}),
    _json(message={"a": 1}),
    _json(message="meta", _id="x", _source=1, _index="other"),
    _json(message="reroute", data_stream={"dataset": "other"}),
    _json(message="metadata", **{"@metadata": {"_id": "1", "pipeline": "none", "index": "other"}}),
    _json(message="keys", **{"": 1, "a..b": 2, ".c": 3, "d.": 4, " ": 5}),
    _json(message="large", number=123456789012345678901234567890),
    _json(message="deep", **json.loads('{"a":' * 200 + "1" + "}" * 200)),
    _json(message="null", user=None, nothing="\0"),
    json.dumps({"@timestamp": "nonsense", "message": "no time"}),
    json.dumps({"@timestamp": 1732759200, "message": "a number as time"}),
    json.dumps({"time": _TIME, "msg": "other names", "level": 30}),
    "a plain line of text",
    '  File "x.py", line 3, in f',
    '{"message": "cut in the mid',
    *("123", '"text"', "null", "[1, 2]", "{}"),
    "words " * 20_000,
    "x" * 40_000,
)
"""No line of these is taken apart."""

_HEAD = f'{{"@timestamp":"{_TIME}","host":{{"name":"lab"}},"process":{{"pid":1}},"log":{{"level":"info"}},'
ALIKE = (
    _HEAD + '"message":"cut in the mid',
    _HEAD
    + '"message":"numbers","event":{"duration":"fast"},"celery":{"task":{"retries":"many","wait_seconds":"soon"}}}',
    _HEAD + '"message":"more","user":{"id":7}}',
    _HEAD + '"message":"other","user":"u1"}',
    _HEAD + f'"message":"long","celery":{{"task":{{"name":"{"n" * 40_000}","arguments":{{"a":"{"é" * 40_000}"}}}}}}}}',
)
"""These begin like ours, and are kept."""
REFUSED = (
    _HEAD + '"message":"count","_doc_count":"x"}',
    _HEAD + '"message":"id","_id":"x"}',
    _HEAD + '"message":"text","error":"boom"}',
    _HEAD + '"message":"text","celery":{"task":"a.b.c"}}',
    _HEAD + '"message":"text","celery":{"task":{"arguments":"x"}}}',
    _HEAD + '"message":{"a":1}}',
)
"""These begin like ours, and no index can hold them: they go to the failure store, and cost no other line."""
