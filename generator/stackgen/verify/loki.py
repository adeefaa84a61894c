"""loki.yaml against the settings of Loki 3.7, and `loki -verify-config` where the program is on the machine.

Only settings that Loki 3.8 still has: its table manager, its other index stores and `allow_deletes` are gone there, and
Loki refuses to start with a key that it does not know. Sources: grafana/loki docs/sources/setup/upgrade and
docs/sources/shared/configuration.md at 3.7; no binary could be had in our lab.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from stackgen.problem import Mark, Problem

Folder = Annotated[str, StringConstraints(pattern=r"^/[a-z/-]+$")]
Hours = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*h$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^@/]+$")]
Date = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-[01][0-9]-[0-3][0-9]$")]
_PERIOD = 24


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class _Server(_Options):
    http_listen_port: Literal[3100]
    """Where `loki -health` asks."""
    grpc_listen_address: Literal["127.0.0.1"]
    log_level: Literal["debug", "info", "warn", "error"]


class _Store(_Options):
    store: Literal["inmemory"]


class _Ring(_Options):
    kvstore: _Store


class _Files(_Options):
    chunks_directory: Folder


class _Storage(_Options):
    filesystem: _Files


class _Common(_Options):
    instance_addr: Literal["127.0.0.1"]
    path_prefix: Folder
    replication_factor: Literal[1]
    storage: _Storage
    ring: _Ring


class _Index(_Options):
    prefix: Annotated[str, Field(min_length=1)]
    period: Literal["24h"]


class _Schema(_Options):
    since: Date = Field(alias="from")
    store: Literal["tsdb"]
    object_store: Literal["filesystem"]
    version: Literal["v13"] = Field(alias="schema")
    index: _Index


class _Schemas(_Options):
    configs: Annotated[list[_Schema], Field(min_length=1)]


class _Limits(_Options):
    retention_period: Hours
    allow_structured_metadata: Literal[True]
    volume_enabled: bool
    max_line_size_truncate: bool


class _Compactor(_Options):
    working_directory: Folder
    retention_enabled: Literal[True]
    delete_request_store: Literal["filesystem"]


class _Local(_Options):
    directory: Folder


class _Rules(_Options):
    type: Literal["local"]
    local: _Local


class _Wal(_Options):
    dir: Folder


class _Ruler(_Options):
    alertmanager_url: Address
    enable_api: bool
    rule_path: Folder
    storage: _Rules
    ring: _Ring
    wal: _Wal


class _Analytics(_Options):
    reporting_enabled: Literal[False]


class _Loki(_Options):
    auth_enabled: Literal[False]
    server: _Server
    common: _Common
    schema_config: _Schemas
    limits_config: _Limits
    compactor: _Compactor
    ruler: _Ruler
    analytics: _Analytics

    @model_validator(mode="after")
    def _whole_days(self) -> Self:
        """The index is deleted by the day."""
        if int(self.limits_config.retention_period[:-1]) % _PERIOD:
            message = f"retention_period {self.limits_config.retention_period} is no multiple of the index's 24h"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """All that Loki writes lies below its volume, and its rules, which it only reads, do not."""
        below = f"{self.common.path_prefix}/"
        written = (
            self.common.storage.filesystem.chunks_directory,
            self.compactor.working_directory,
            self.ruler.rule_path,
            self.ruler.wal.dir,
        )
        if len({*written}) < len(written) or not all(path.startswith(below) for path in written):
            message = f"expected folders of their own below {below}, got {', '.join(written)}"
            raise ValueError(message)
        if self.ruler.storage.local.directory.startswith(below):
            message = f"the rules are read from {self.ruler.storage.local.directory}, which Loki writes to"
            raise ValueError(message)
        return self


def problems(files: Mapping[str, str], paths: Iterable[str]) -> list[Problem]:
    """What Loki 3.7 or 3.8 would refuse in the files at these paths below output/."""
    return [problem for path in paths for problem in _of_file(path, files[path])]


def _of_file(path: str, text: str) -> Iterator[Problem]:
    try:
        _Loki.model_validate(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            where = ".".join(map(str, one["loc"]))
            yield Problem(Mark(path), "loki-option", where, f"Loki 3.7: {one['msg']}")
