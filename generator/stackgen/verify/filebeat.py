"""filebeat.yml against the options of Filebeat 9.5, and `filebeat test config` where the program is on the machine.

Filebeat itself ignores most unknown options of an input, so its own test would let a misspelling through. The options
are those of elastic/beats filebeat/input/filestream/config.go and of the reference manual; no binary could be had in
our lab, so `filebeat test config` has not been seen to run there.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from stackgen.problem import Mark, Problem

Time = Annotated[str, StringConstraints(pattern=r"^[0-9]+(ms|s|m|h)$")]
Reference = Annotated[str, StringConstraints(pattern=r"^\$\{[A-Z_][A-Z0-9_]*(:\?[^{}]*)?\}$")]
DataStream = Annotated[str, StringConstraints(pattern=r"^logs-[a-z0-9_.]+-[a-z0-9_.]+$")]
Https = Annotated[str, StringConstraints(pattern=r"^https?://[^@/]+$")]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class _Identity(_Options):
    fingerprint: None = Field()


class _Fingerprint(_Options):
    enabled: Literal[True]
    offset: Annotated[int, Field(ge=0)] = 0
    length: Annotated[int, Field(ge=64)] = 1024


class _Scanner(_Options):
    check_interval: Time = "10s"
    symlinks: bool = False
    resend_on_touch: bool = False
    recursive_glob: bool = True
    include_files: list[str] = []
    exclude_files: list[str] = []
    fingerprint: _Fingerprint


class _Prospector(_Options):
    scanner: _Scanner


class _StateChange(_Options):
    check_interval: Time = "5s"
    inactive: Time = "5m"
    removed: bool = True
    renamed: bool = False


class _ReaderEnd(_Options):
    after_interval: Time = "0s"
    on_eof: bool = False


class _Close(_Options):
    on_state_change: _StateChange
    reader: _ReaderEnd = _ReaderEnd.model_construct()


class _Ndjson(_Options):
    target: str
    overwrite_keys: bool = False
    expand_keys: bool = False
    add_error_key: bool = False
    message_key: str = ""
    document_id: str = ""
    ignore_decoding_error: bool = False


class _Parser(_Options):
    ndjson: _Ndjson


class _Filestream(_Options):
    type: Literal["filestream"]
    id: Annotated[str, Field(min_length=1)]
    enabled: bool = True
    paths: Annotated[list[str], Field(min_length=1)]
    file_identity: _Identity
    prospector: _Prospector
    close: _Close
    clean_removed: bool = True
    message_max_bytes: Annotated[int, Field(gt=0)] = 10485760
    harvester_limit: Annotated[int, Field(ge=0)] = 0
    parsers: Annotated[list[_Parser], Field(min_length=1)]


class _Inputs(_Options):
    inputs: Annotated[list[_Filestream], Field(min_length=1)]
    shutdown_timeout: Time = "0s"


class _AddFields(_Options):
    target: str = "fields"
    fields: dict[str, dict[str, str]]


class _Processor(_Options):
    add_fields: _AddFields


class _Switch(_Options):
    enabled: Literal[False]


class _Setup(_Options):
    template: _Switch
    ilm: _Switch


class _Ssl(_Options):
    verification_mode: Literal["full"]
    certificate_authorities: list[str] = []


class _Backoff(_Options):
    init: Time = "1s"
    max: Time = "60s"


class _Elasticsearch(_Options):
    hosts: Annotated[list[Https], Field(min_length=1)]
    index: DataStream
    api_key: Reference
    preset: Literal["balanced", "throughput", "scale", "latency", "custom"] = "balanced"
    timeout: Annotated[int, Field(gt=0)] = 90
    backoff: _Backoff = _Backoff.model_construct()
    ssl: _Ssl


class _Output(_Options):
    elasticsearch: _Elasticsearch


class _Logging(_Options):
    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    to_stderr: bool
    to_files: bool


class _Filebeat(_Options):
    filebeat: _Inputs
    processors: list[_Processor] = []
    setup: _Setup
    output: _Output
    logging: _Logging


def problems(files: Mapping[str, str], paths: Iterable[str]) -> list[Problem]:
    """What Filebeat 9.5 would refuse, or ignore without a word, in the files at these paths below output/."""
    return [problem for path in paths for problem in _of_file(path, files[path])]


def _of_file(path: str, text: str) -> Iterator[Problem]:
    try:
        config = _Filebeat.model_validate(yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            where = ".".join(map(str, one["loc"]))
            yield Problem(Mark(path), "filebeat-option", where, f"Filebeat 9.5: {one['msg']}")
        return
    for read in config.filebeat.inputs:
        if read.clean_removed and not read.close.on_state_change.removed:
            said = "clean_removed must be off where close.on_state_change.removed is: a file would be read twice"
            yield Problem(Mark(path), "filebeat-removed", read.id, said)
    ids = [one.id for one in config.filebeat.inputs]
    for twice in {i for i in ids if ids.count(i) > 1}:
        yield Problem(Mark(path), "filebeat-id", "filebeat.inputs", f"the id {twice} stands twice: Filebeat would stop")
