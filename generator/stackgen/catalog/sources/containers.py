"""CPU, memory and start time of workers seen from outside: cAdvisor for containers, process-exporter for hosts.

Facts: process-exporter 0.7.10 was scraped (tests/scrapes/process-exporter-*.prom). No container engine ran in our
lab: cAdvisor's names and labels are those of its own test data and documentation, and the README says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from stackgen.catalog import promql
from stackgen.catalog.counting import latest, none_told, of_limit
from stackgen.catalog.images import Image, by_version
from stackgen.catalog.launch import SCRATCH, ConfigFile, HttpHealth, Launch, Limits, Mount
from stackgen.catalog.series import WINDOW, WORKER_CPU, WORKER_MEMORY, WORKER_START, WORKERS_ACTIVE
from stackgen.catalog.site import Site
from stackgen.catalog.source import Metric, MetricType, Reading, RecordingRule, Source, Stimulus, base_labels
from stackgen.catalog.timeline import Counter, Gauge, Input, Segment, steady

CADVISOR = "cadvisor"
PROCESSES = "process-exporter"
_CORES = 100
_LIMIT = 1_000_000_000


def _container(name: str, kind: MetricType = "gauge", *more: str) -> Metric:
    return Metric(name=name, type=kind, labels=("id", "image", "name", *more))


CPU = _container("container_cpu_usage_seconds_total", "counter", "cpu")
QUOTA = _container("container_spec_cpu_quota")
PERIOD = _container("container_spec_cpu_period")
WORKING_SET = _container("container_memory_working_set_bytes")
MEMORY_LIMIT = _container("container_spec_memory_limit_bytes")
STARTED = _container("container_start_time_seconds")

GROUP_CPU = Metric(name="namedprocess_namegroup_cpu_seconds_total", type="counter", labels=("groupname", "mode"))
GROUP_MEMORY = Metric(name="namedprocess_namegroup_memory_bytes", type="gauge", labels=("groupname", "memtype"))
GROUP_PROCS = Metric(name="namedprocess_namegroup_num_procs", type="gauge", labels=("groupname",))
GROUP_START = Metric(name="namedprocess_namegroup_oldest_start_time_seconds", type="gauge", labels=("groupname",))


def _chosen(site: Site, source: str, label: str) -> tuple[str, str]:
    return f'job="{source}"', promql.like(label, site.match[source])


def _used(metric: Metric, chosen: tuple[str, ...], label: str) -> str:
    total = f"sum by (instance, {label}) (increase({promql.select(metric.name, *chosen)}[{WINDOW // 60}m]))"
    return f"max by (worker) ({promql.copy_labels(total, {'worker': label})})"


def _of_container(site: Site, metric: Metric) -> str:
    return latest(metric.name, _chosen(site, CADVISOR, "name"), site, {"worker": "name"})


def _of_group(site: Site, metric: Metric, *more: str) -> str:
    return latest(metric.name, (*_chosen(site, PROCESSES, "groupname"), *more), site, {"worker": "groupname"})


def _container_cpu(site: Site) -> tuple[RecordingRule, ...]:
    used = _used(CPU, _chosen(site, CADVISOR, "name"), "name")
    cores = f"({_of_container(site, QUOTA)} > 0) / {_of_container(site, PERIOD)}"
    return (RecordingRule(f"{used} / ({WINDOW} * ({cores}))"),)


def _group_cpu(site: Site) -> tuple[RecordingRule, ...]:
    used = _used(GROUP_CPU, _chosen(site, PROCESSES, "groupname"), "groupname")
    return (RecordingRule(f"{used} / ({WINDOW} * clamp_min({_of_group(site, GROUP_PROCS)} - 1, 1))"),)


def _group_memory(site: Site) -> tuple[RecordingRule, ...]:
    used = _of_group(site, GROUP_MEMORY, 'memtype="resident"')
    return (RecordingRule(f"{used} / {site.worker_memory_limit}"),)


def _groups_count(site: Site) -> tuple[RecordingRule, ...]:
    alive = none_told(f'job="{PROCESSES}"', site)
    return (RecordingRule(f"count({_of_group(site, GROUP_PROCS)} > 0) or {alive}"),)


def _feed(job: str, label: str, used: tuple[Metric, int, Mapping[str, str]], *fixed: tuple[Metric, int]) -> Stimulus:
    """Feeds one moving metric, scaled, and fixed ones beside it."""

    def feed(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
        metric, factor, more = used
        labels = {**base_labels(job, site), label: canonical["worker"]}
        if metric.type == "counter":
            moving: Input = Counter(
                metric.name, {**labels, **more}, tuple(s.times(Fraction(factor * step)) for s in segments)
            )
        else:
            scale = Fraction(factor or site.worker_memory_limit or _LIMIT)
            moving = Gauge(metric.name, {**labels, **more}, tuple(s.times(scale) for s in segments))
        return [moving, *(Gauge(m.name, labels, steady(segments, Fraction(v))) for m, v in fixed)]

    return feed


def _groups_alive(site: Site, canonical: Mapping[str, str], segments: tuple[Segment, ...], step: int) -> list[Input]:
    del canonical, step
    most = max((int(s.amount) for s in segments if s.amount is not None), default=0)
    return [
        Gauge(
            GROUP_PROCS.name,
            {**base_labels(PROCESSES, site), "groupname": promql.matching(site.match[PROCESSES], str(n))},
            tuple(s if s.amount is None else s._replace(amount=Fraction(3 if n < s.amount else 0)) for s in segments),
        )
        for n in range(max(most, 1))
    ]


def _start_cadvisor(site: Site, version: str) -> Launch:
    """It reads the host's cgroups and asks the container engine for names."""
    engine, socket = site.engine, "/var/run/docker.sock"
    host = (("/", "/rootfs"), ("/sys", "/sys"), (engine.socket, socket), (engine.data, engine.data))
    return Launch(
        image=CADVISOR_SOURCE.versions[version],
        user="0:0",
        command=("--docker_only=true", "--store_container_labels=false", "--housekeeping_interval=15s"),
        mounts=tuple(Mount("bind", source, target) for source, target in host),
        networks=("engine",),
        health=HttpHealth("/healthz", "wget"),
        sees_cgroups=True,
        exceptions={
            "user": "it reads other users' cgroups and the engine's socket, which only root may",
            "cgroup": "with cgroup v2 a container sees no groups but its own",
            "engine": "it has the engine's socket, for names, whose read-only mount stops no call, and it can read "
            "root's files on the host: nobody but Prometheus reaches it",
        },
    )


def _start_process_exporter(site: Site, version: str) -> Launch:
    """It reads the host's list of processes."""
    del site
    name, config = "process-exporter.yml", "/etc/process-exporter/config.yml"
    return Launch(
        image=PROCESS_EXPORTER_SOURCE.versions[version],
        user="65534:65534",
        command=(f"-config.path={config}", "-procfs=/host/proc", "-recheck", "-threads=false"),
        files=(ConfigFile(name, {"group": "worker@{{.Matches.node}}", "titles": [r"^\[celeryd: (?P<node>[^:\]]+)"]}),),
        mounts=(Mount("bind", f"./{name}", config), Mount("bind", "/proc", "/host/proc")),
        health=None,
        sees_processes=True,
        exceptions={"health": SCRATCH, "pid": "it must see the host's processes"},
        limits=Limits("0.5", "128M"),
    )


CADVISOR_SOURCE = Source(
    id="cadvisor",
    title="cAdvisor",
    job=CADVISOR,
    target="cadvisor:8080",
    match="*worker*",
    link="https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md",
    metrics=(CPU, QUOTA, PERIOD, WORKING_SET, MEMORY_LIMIT, STARTED),
    readings=(
        Reading(
            series=WORKER_CPU,
            uses=(CPU, QUOTA, PERIOD),
            rules=_container_cpu,
            stimulus=_feed(
                CADVISOR, "name", (CPU, _CORES, {"cpu": "total"}), (QUOTA, _CORES * 100_000), (PERIOD, 100_000)
            ),
            misses=("containers without a CPU limit",),
        ),
        Reading(
            series=WORKER_MEMORY,
            uses=(WORKING_SET, MEMORY_LIMIT),
            rules=lambda site: (
                RecordingRule(of_limit(_of_container(site, WORKING_SET), _of_container(site, MEMORY_LIMIT), site)),
            ),
            stimulus=_feed(CADVISOR, "name", (WORKING_SET, 0, {}), (MEMORY_LIMIT, _LIMIT)),
            caveat="A container without a limit is judged by celery.worker_memory_limit only.",
        ),
        Reading(
            series=WORKER_START,
            uses=(STARTED,),
            rules=lambda site: (RecordingRule(_of_container(site, STARTED)),),
            stimulus=_feed(CADVISOR, "name", (STARTED, 1, {})),
        ),
    ),
    versions=by_version(
        Image("cadvisor", "v0.60.5", "ghcr.io/google/cadvisor", "v0.60.5", "2026-07-11", "its releases"),
    ),
    launch=_start_cadvisor,
)

PROCESS_EXPORTER_SOURCE = Source(
    id="process-exporter",
    title="ncabatoff/process-exporter",
    job=PROCESSES,
    target="process-exporter:9256",
    match="*worker*",
    link="https://github.com/ncabatoff/process-exporter",
    metrics=(GROUP_CPU, GROUP_MEMORY, GROUP_PROCS, GROUP_START),
    readings=(
        Reading(
            series=WORKERS_ACTIVE,
            uses=(GROUP_PROCS,),
            rules=_groups_count,
            stimulus=_groups_alive,
            misses=("that a worker hangs",),
        ),
        Reading(
            series=WORKER_CPU,
            uses=(GROUP_CPU, GROUP_PROCS),
            rules=_group_cpu,
            stimulus=_feed(PROCESSES, "groupname", (GROUP_CPU, _CORES, {"mode": "user"}), (GROUP_PROCS, _CORES + 1)),
        ),
        Reading(
            series=WORKER_MEMORY,
            uses=(GROUP_MEMORY,),
            rules=_group_memory,
            stimulus=_feed(PROCESSES, "groupname", (GROUP_MEMORY, 0, {"memtype": "resident"})),
            spoiled_by={"no_memory_limit": "it does not know the limit: set celery.worker_memory_limit"},
            caveat="Pages that pool processes share are counted once per process.",
        ),
        Reading(
            series=WORKER_START,
            uses=(GROUP_START, GROUP_PROCS),
            rules=lambda site: (
                RecordingRule(f"{_of_group(site, GROUP_START)} and on (worker) {_of_group(site, GROUP_PROCS)} > 0"),
            ),
            stimulus=_feed(PROCESSES, "groupname", (GROUP_START, 1, {}), (GROUP_PROCS, 3)),
        ),
    ),
    versions=by_version(
        Image("process-exporter", "0.8.7", "ncabatoff/process-exporter", "0.8.7", "2025-04-21", "its releases"),
    ),
    launch=_start_process_exporter,
)
