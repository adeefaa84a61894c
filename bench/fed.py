"""What celery-exporter would have said so far, written into a Prometheus as if it had been scraped all the time."""

from __future__ import annotations

import struct
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from stackgen.catalog.sources.celery_exporter import JOB
from stackgen.catalog.sources.celery_exporter_launch import PURGE
from stackgen.catalog.sources.celery_exporter_metrics import ENDED, RUNTIME, STARTED

QUEUES = 3
_STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""What Prometheus writes where a series has ended: model/value/value.go."""
_BATCH = 5_000
_REPLACED = 3600
"""Seconds in which every host is replaced once, where hosts are."""
Samples = list[tuple[int, float]]
"""Seconds and value."""


@dataclass(frozen=True)
class Shape:
    """How many series there are, and what they are of."""

    series: int
    """About so many at any moment."""
    hosts: int
    bounds: Sequence[str]
    churn: bool = False
    """Whether each host is replaced every hour, and forgotten ten minutes later."""
    generic: bool = False
    """Whether the exporter leaves the hosts out (`--generic-hostname-worker-task-metric`)."""


def exported(shape: Shape, moments: Sequence[int]) -> Iterator[tuple[dict[str, str], Samples]]:
    """Every series with its samples: each counter grows by one in so many scrapes as its task is rare."""
    yield {"__name__": "up", **_TARGET}, [(at, 1.0) for at in moments]
    each = len(ENDED) + 1 + len(shape.bounds) + 3
    tasks = max(1, round(shape.series / (each * shape.hosts)))
    for task, host in product(range(tasks), range(1 if shape.generic else shape.hosts)):
        for name, begin, end in _lives(host, shape, moments):
            labels = {**_TARGET, "name": f"app.tasks.t{task}", "hostname": name, "queue_name": f"q{task % QUEUES}"}
            seen = [at for at in moments if begin <= at < end]
            over = [(at, _STALE) for at in moments if at >= end][:1]
            counts = [(at, float(1 + (at - begin) // (30 * (1 + task % 20)))) for at in seen] + over
            for metric, more in _of_one(shape.bounds):
                yield {"__name__": metric, **labels, **more}, counts


_TARGET = {"job": JOB, "instance": "celery-exporter:9808"}


def _lives(host: int, shape: Shape, moments: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """The names that a host has in this time: of each when it is first and last heard of."""
    if shape.generic or not shape.churn:
        yield ("generic" if shape.generic else f"host{host}"), moments[0] - 86_400, moments[-1] + 1
        return
    first = moments[0] - _REPLACED + host * _REPLACED // shape.hosts
    for number, begin in enumerate(range(first, moments[-1], _REPLACED)):
        yield f"host{host}-{number}", begin, begin + _REPLACED + PURGE


def _of_one(bounds: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The series of one task on one host."""
    for metric in (STARTED, *ENDED.values()):
        yield metric.name, {"exception": "ValueError"} if metric is ENDED["FAILURE"] else {}
    yield from ((f"{RUNTIME.name}_bucket", {"le": bound}) for bound in (*bounds, "+Inf"))
    yield from ((f"{RUNTIME.name}_{part}", {}) for part in ("sum", "count"))


def write(url: str, series: Iterable[tuple[Mapping[str, str], Samples]]) -> int:
    """By remote write; gives the number of series. Source: prometheus/prometheus, prompb/remote.proto."""
    written, waiting = 0, iter(series)
    while batch := list(islice(waiting, _BATCH)):
        body = b"".join(_field(1, _timeseries(labels, samples)) for labels, samples in batch)
        headers = {
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        request = urllib.request.Request(f"{url}/api/v1/write", _snappy(body), headers)
        with urllib.request.urlopen(request, timeout=300):
            written += len(batch)
    return written


def _timeseries(labels: Mapping[str, str], samples: Samples) -> bytes:
    pairs = (_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in sorted(labels.items()))
    points = (_field(2, struct.pack("<Bd", 0x09, value) + b"\x10" + _varint(int(at * 1000))) for at, value in samples)
    return b"".join((*pairs, *points))


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def _snappy(content: bytes) -> bytes:
    """One literal: not smaller, but what a reader of Snappy's format takes."""
    return _varint(len(content)) + b"\xfc" + struct.pack("<I", len(content) - 1) + content
