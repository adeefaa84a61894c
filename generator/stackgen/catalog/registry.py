"""Discovery: a constant of the right type in a module of sources/ or signals/ is registered, in file order."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TypeVar

from stackgen.catalog import dashboards as dashboard_modules
from stackgen.catalog import signals as signal_modules
from stackgen.catalog import sources as source_modules
from stackgen.catalog import witnesses as witness_modules
from stackgen.catalog.dashboard import Dashboard, completed
from stackgen.catalog.series import Series
from stackgen.catalog.signal import Signal
from stackgen.catalog.source import Source
from stackgen.catalog.witness import Witness

Entry = TypeVar("Entry", Signal, Source, Dashboard, Witness)


class DuplicateId(Exception):
    """Two catalogue entries claim one id: a mistake in the catalogue, never in stack.yaml."""


@cache
def signals() -> Mapping[str, Signal]:
    """Every signal by id: those of the metrics, then those of the logs."""
    found = _discover(signal_modules.__path__, signal_modules.__name__, Signal)
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: item[1].log_count is not None)))


@cache
def sources() -> Mapping[str, Source]:
    """Every source by id."""
    return _discover(source_modules.__path__, source_modules.__name__, Source)


@cache
def witnesses() -> Mapping[str, Witness]:
    """Every witness by id."""
    return _discover(witness_modules.__path__, witness_modules.__name__, Witness)


@cache
def dashboards() -> Mapping[str, Dashboard]:
    """Every dashboard by id, each with a panel for every signal that points to it."""
    found = _discover(dashboard_modules.__path__, dashboard_modules.__name__, Dashboard)
    return MappingProxyType({name: completed(one, signals().values()) for name, one in found.items()})


@cache
def series() -> Mapping[str, Series]:
    """Every canonical series by name."""
    from stackgen.catalog import series, series_doing, series_evidence, series_schedule

    found = (
        s
        for module in (series_evidence, series, series_doing, series_schedule)
        for s in vars(module).values()
        if isinstance(s, Series)
    )
    return MappingProxyType({s.name: s for s in found})


def _discover(path: list[str], package: str, kind: type[Entry]) -> Mapping[str, Entry]:
    found: dict[str, Entry] = {}
    for info in pkgutil.iter_modules(path):
        module = importlib.import_module(f"{package}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, kind):
                if value.id in found and found[value.id] is not value:
                    message = f"two entries named {value.id!r}; the second is in {module.__name__}"
                    raise DuplicateId(message)
                found[value.id] = value
    return MappingProxyType(found)
