"""What an expression may know about the stack it is written for: names and intervals, never thresholds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from string import ascii_lowercase
from typing import TYPE_CHECKING, Literal
from zlib import crc32

from stackgen.catalog import promql
from stackgen.catalog.copies import Copies
from stackgen.catalog.corner import Corner
from stackgen.catalog.identity import joined
from stackgen.catalog.launch import Secret, Variable

if TYPE_CHECKING:
    from stackgen.catalog.series import Series, Slow
    from stackgen.catalog.signal import Signal

Fact = Literal[
    "events_off",
    "sent_events_off",
    "pool_solo",
    "no_memory_limit",
    "prometheus_shared",
    "redis_priorities",
    "redis_database_unsaid",
    "redis_sentinel",
    "redis_cluster",
    "not_redis",
]
"""A property of the stack that makes a reading of a source wrong, too small or absent."""

DELAYED_QUEUES = "(.+_)?celery_delayed_[0-9]+"
"""Levels of native delayed delivery: nobody consumes them, RabbitMQ hands their messages from level to level.

Source: kombu 5.7, transport/native_delayed_delivery.py; the prefix is `broker_native_delayed_delivery_prefix`'s.
"""
RESERVED_QUEUES = "|".join(
    (
        r"celeryev\..*",  # events: celery/events/receiver.py
        r".*\.pidbox",  # remote control and its replies: kombu/pidbox.py
        "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",  # replies of rpc://: celery/backends/rpc.py, Celery.thread_oid
        r"amq\.gen-.*",  # named by RabbitMQ itself
        DELAYED_QUEUES,
    )
)
"""Queues that brokers and Celery make for themselves (events, remote control, replies, delays): never the user's."""


@dataclass(frozen=True)
class Told:
    """How the targets of one source are told from those of other stacks in the same Prometheus."""

    job: str
    """What their label `job` is compared with: a name, or a regular expression."""
    matchers: str
    """What selects them: `job="celery-exporter",namespace="shop"`."""
    labels: Mapping[str, str]
    """What a target that is selected carries, its job among them."""
    targets: tuple[str, ...] = ()
    """The only instances; () for any."""


@dataclass(frozen=True)
class FlowerSettings:
    """What stack.yaml says of Flower, as far as starting it goes."""

    port: int = 5555
    url_prefix: str = ""
    folder: str = "/data"
    """Where it keeps what it saw."""
    users_file: str | None = None
    users_env: str | None = None


@dataclass(frozen=True)
class EngineSettings:
    """Where the host's container engine keeps its data and listens."""

    data: str = "/var/lib/docker"
    socket: str = "/var/run/docker.sock"


_PREFIX = "celery-"
_SCRAPE_TIMEOUT = 15
"""Seconds. celery-exporter asks the workers at each scrape, which takes over 2 s; under load 4 s were too few."""


@dataclass(frozen=True, eq=False)  # known by itself, so that what follows from it may be kept
class Site:
    """One stack, as far as PromQL and exporter command lines need to know it."""

    scrape: Fraction
    evaluation: Fraction
    slow: Mapping[Slow, Fraction]
    """Seconds between evaluations of what is evaluated less often: durations, and what is carried on by task."""
    queues: tuple[str, ...]
    """Those that stack.yaml calls by their own names."""
    dead_letter: tuple[str, ...]
    queue_patterns: tuple[str, ...] = ()
    dead_patterns: tuple[str, ...] = ()
    """Those of the patterns that mean dead letter queues."""
    dead_examples: tuple[str, ...] = ()
    """A name behind each of these."""
    listed_only: bool = False
    """Whether queues that stack.yaml does not list are left out."""
    ignored_queues: tuple[str, ...] = ()
    ignored_tasks: tuple[str, ...] = ()
    facts: frozenset[Fact] = frozenset()
    jobs: Mapping[str, str] = field(default_factory=dict)
    """Scrape job of every source whose loss must be noticed."""
    versions: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    """Image tags that stack.yaml gives, by component."""
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    match: Mapping[str, str] = field(default_factory=dict)
    duration_buckets: tuple[Fraction, ...] = ()
    wait_buckets: tuple[Fraction, ...] = ()
    fleet_settles: Fraction = Fraction(600)
    """Seconds that a number of workers must last to be the size of the fleet."""
    scales: bool = False
    """Whether workers are started and stopped on purpose."""
    scales_to_zero: bool = False
    """Whether no worker is normal while nothing waits."""
    expiring: tuple[str, ...] = ()
    """The tasks whose expiry is wanted."""
    periodic: tuple[str, ...] = ()
    """The tasks that have a period; of a pattern one that it means."""
    weeks: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    """Of tasks that run on some days of the week only: the matchers that select them, and the days."""
    worker_memory_limit: int | None = None
    broker: Literal["redis", "rabbitmq"] = "redis"
    corner: Corner = field(default_factory=Corner)
    """The part of the broker that is this stack's."""
    broker_env: str = "CELERY_BROKER_URL"
    """The environment variable from which started programs take the broker's address."""
    broker_file: str = ""
    """The file from which they take it instead; "" for none."""
    stack: str = ""
    """The stack's name."""
    environment: str = ""
    read: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By canonical series: the sources that it is read from."""
    judged: tuple[str, ...] = ()
    """Ids of the signals that are on."""
    told: Mapping[str, Told] = field(default_factory=dict)
    """By scrape job of the catalogue: how this stack's own targets are told; absent where any target of the job is."""
    copies: Copies = field(default_factory=Copies)
    """What tells copies of this stack in the same Prometheus."""
    central: frozenset[str] = frozenset()
    """Scrape jobs of which all copies have one together."""
    shares_boards: bool = False
    """Whether its dashboards are those of all stacks in its folder, for a Grafana that others run."""
    flower: FlowerSettings = FlowerSettings()
    engine: EngineSettings = EngineSettings()

    def every(self, what: Series | Signal) -> Fraction:
        """Seconds between its evaluations."""
        return self.slow[what.slow] if what.slow else self.evaluation

    @property
    def identity(self) -> dict[str, str]:
        """The labels that tell this stack's recorded series and alerts from all others'."""
        return {"stack": self.stack, "environment": self.environment} if self.stack else {}

    @property
    def slug(self) -> str:
        """Stack and environment in one word that no other stack has."""
        return joined(self.stack, self.environment)

    def titled(self, title: str) -> str:
        """A heading for people that no other stack has."""
        return f"{title} ({self.stack}, {self.environment})"

    def named(self, what: str, longest: int | None = None) -> str:
        """What this stack's own is called where other stacks' are too: `celery-queues-shop-production`.

        `longest` is the most characters that it may have there.
        """
        own = None if longest is None else longest - len(_PREFIX)
        return _PREFIX + joined(what, self.stack, self.environment, longest=own)

    @property
    def broker_url(self) -> Variable:
        """The broker's address, which no generated file holds."""
        return Variable(self.broker_env, "set it in .env, see .env.example", self.broker_file)

    @property
    def broker_secrets(self) -> tuple[Secret, ...]:
        """The files that a program needs to speak to the broker: its address, where stack.yaml names one, and TLS."""
        address = (Secret.at(self.broker_file, "given", "the broker's address"),) if self.broker_file else ()
        return (*address, *self.corner.secrets)

    @property
    def scrape_timeout(self) -> Fraction:
        """Seconds that a scrape may take; Prometheus allows no more than its interval."""
        return min(self.scrape, Fraction(_SCRAPE_TIMEOUT))

    @property
    def bridged(self) -> Fraction:
        """Seconds that still see a sample after one missed scrape: three scrapes, never under 90 s.

        A failed scrape writes a stale marker; without the bridge it would reset an alert's `for`.
        """
        return max(3 * self.scrape, Fraction(90))

    @property
    def bridge(self) -> str:
        """The same as the range of a selector: `1m30s`."""
        return promql.seconds(self.bridged)

    def passing(self, label: str) -> str:
        """A matcher for what passes through queues: leaves out those that stack.yaml ignores."""
        return promql.none_of(label, self.ignored_queues)

    def held(self, label: str) -> str:
        """A matcher for the queues themselves: leaves out those that stack.yaml ignores, and Celery's own."""
        return self.listed(label) or promql.none_of(label, self.ignored_queues, RESERVED_QUEUES)

    def listed(self, label: str) -> str:
        """A matcher for the queues that stack.yaml lists, where it wants no others; else ""."""
        return promql.any_of(label, (*self.queues, *self.queue_patterns)) if self.listed_only else ""

    def task_matcher(self, label: str) -> str:
        """Leaves out the tasks that stack.yaml ignores; "" when it ignores none."""
        return promql.none_of(label, self.ignored_tasks)

    def spared(self, label: str, name: str) -> str:
        """The name, or one like it that stack.yaml does not ignore: what a test feeds must be recorded."""
        patterns = {"queue": self.ignored_queues, "task": self.ignored_tasks}.get(label, ())
        if not patterns:
            return name
        others = (name, *(f"{letter}{name}{letter}" for letter in ascii_lowercase), str(crc32(name.encode())))
        meant = "|".join(map(promql.wildcard, patterns))
        return next((one for one in others if not re.fullmatch(meant, one, re.DOTALL)), name)

    def working(self) -> str:
        """A matcher on canonical series for queues that workers should empty."""
        dead = (*self.dead_letter, *self.dead_patterns)
        return promql.none_of("queue", dead) if self.dead_patterns else promql.one_of("queue", dead, negate=True)

    def dead(self) -> str:
        """A matcher on canonical series for dead letter queues."""
        return promql.any_of("queue", (*self.dead_letter, *self.dead_patterns))
