"""Can the witnesses be believed? One that denies a fact, alone against the others, is what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from stackgen.catalog import blindness, facts, input_shapes
from stackgen.catalog.facts import Fact
from stackgen.catalog.runbook import Command
from stackgen.catalog.series import BROKER_BLOCKED, SOURCE_BLIND
from stackgen.catalog.series_evidence import (
    BROKER_WITNESS,
    CONSUMERS_WITNESS,
    LENGTH_WITNESS,
    STARTS_WITNESS,
    WORKERS_WITNESS,
)
from stackgen.catalog.signal import Level, Signal
from stackgen.catalog.site import Site

_ALERT = "CeleryEvidenceContradicted"
_WHO = Command("curl -sS {prometheus}/api/v1/targets", "What Prometheus says of each target: see `lastError`.")


def _names(fact: Fact) -> Callable[[Site], tuple[str, ...]]:
    return lambda site: tuple(witness.name for witness in facts.suspects(fact, site))


def _hints(fact: Fact) -> Callable[[Site], Mapping[str, str]]:
    return lambda site: {witness.name: f"Look at {witness.look}." for witness in facts.suspects(fact, site)}


def _alone(fact: Fact) -> Callable[[Site], str]:
    return lambda site: "" if facts.suspects(fact, site) else "no second source can tell"


def _unless_blocked(site: Site) -> str:
    """Publishers that the broker blocks send no heartbeat and no answer: CeleryBrokerDown tells that."""
    return f" unless on () {BROKER_BLOCKED.name} == 1" if "rabbitmq" in site.targets else ""


BROKER_EVIDENCE = Signal(
    id="broker_evidence",
    alert=_ALERT,
    title="Witnesses that deny the broker alone",
    family="stack",
    unit="count",
    by=("witness",),
    only_names=_names(facts.BROKER),
    needs=(BROKER_WITNESS,),
    record="celery:broker_witness:contradicted",
    expr=lambda site: facts.contradicted(facts.BROKER, site),
    shape=input_shapes.Testimony(facts.BROKER.name),
    applies=_alone(facts.BROKER),
    bad_when="below",
    levels={"warning": Level(Fraction(1), hold=120)},
    hints=_hints(facts.BROKER),
    commands=(_WHO,),
    asks_broker=True,
    summary="{witness} says that the broker does not answer, and is contradicted: others reach it",
    action="Mend the witness, not the broker.",
    meaning="The broker works. One source of metrics lost its way to it; what only that source measures is blind.",
    causes=(
        "the broker's password changed, and not for this source",
        "its address, its user's rights or a network policy changed",
    ),
    dashboard="celery-stack",
)

WORKERS_EVIDENCE = Signal(
    id="workers_evidence",
    alert=_ALERT,
    title="Witnesses that deny workers alone",
    family="workers",
    unit="count",
    by=("witness",),
    only_names=_names(facts.WORKERS),
    needs=(WORKERS_WITNESS,),
    record="celery:workers_witness:contradicted",
    expr=lambda site: f"{facts.contradicted(facts.WORKERS, site)}{_unless_blocked(site)}",
    shape=input_shapes.Testimony(facts.WORKERS.name),
    applies=_alone(facts.WORKERS),
    bad_when="below",
    # Workers that are busy answer nobody for some minutes.
    levels={"warning": Level(Fraction(1), hold=600)},
    hints=_hints(facts.WORKERS),
    commands=(_WHO,),
    summary="By {witness} no Celery worker is alive, and it is contradicted: others see some",
    action="Mend the witness; the workers work.",
    meaning="Workers are alive. One way to see them is lost, and the alerts that depend on it alone are blind.",
    causes=(
        "workers are too busy to answer remote control, or it is switched off",
        "Prometheus does not reach the workers' own endpoints",
    ),
    dashboard="celery-workers",
)

CONSUMERS_EVIDENCE = Signal(
    id="consumers_evidence",
    alert=_ALERT,
    title="Witnesses that deny a queue's consumers alone",
    family="queues",
    unit="count",
    by=("queue", "witness"),
    only_names=_names(facts.CONSUMERS),
    needs=(CONSUMERS_WITNESS,),
    record="celery:consumers_witness:contradicted",
    expr=lambda site: facts.contradicted(facts.CONSUMERS, site),
    shape=input_shapes.Testimony(facts.CONSUMERS.name),
    applies=_alone(facts.CONSUMERS),
    bad_when="below",
    levels={"warning": Level(Fraction(1), hold=600)},
    hints=_hints(facts.CONSUMERS),
    summary="By {witness} nobody consumes queue {queue}, and it is contradicted: others see a consumer",
    action="Mend the witness; the queue is consumed.",
    meaning="The queue has a consumer. One way to see it is lost; whether all of its workers are there nobody knows.",
    causes=(
        "some of the workers are too busy to answer remote control",
        "two vhosts have a queue of this name",
    ),
    dashboard="celery-queues",
)

LENGTH_EVIDENCE = Signal(
    id="length_evidence",
    alert=_ALERT,
    title="Witnesses of a queue's length that stand alone",
    family="queues",
    unit="count",
    by=("queue", "witness"),
    only_names=_names(facts.LENGTH),
    needs=(LENGTH_WITNESS,),
    record="celery:length_witness:contradicted",
    expr=lambda site: facts.contradicted(facts.LENGTH, site),
    shape=input_shapes.Testimony(facts.LENGTH.name),
    applies=_alone(facts.LENGTH),
    bad_when="below",
    levels={"warning": Level(Fraction(1), hold=300)},
    hints=_hints(facts.LENGTH),
    asks_broker=True,
    summary="Of queue {queue} {witness} is contradicted: either says that tasks always wait, or that none does",
    action="Ask the broker itself; until they agree the queue has no length, and no alert about it is told.",
    meaning="Two sources count one queue, and one of them counts another place. A backlog may be real all the same.",
    causes=(
        "a source looks into another database or vhost, or lacks the prefix of the keys",
        "a source goes on giving old numbers",
    ),
    dashboard="celery-queues",
)


STARTS_EVIDENCE = Signal(
    id="starts_evidence",
    alert=_ALERT,
    title="Witnesses that alone hear of no task that starts",
    family="queues",
    unit="count",
    by=("witness",),
    only_names=_names(facts.STARTS),
    needs=(STARTS_WITNESS,),
    record="celery:starts_witness:contradicted",
    expr=lambda site: facts.contradicted(facts.STARTS, site),
    shape=input_shapes.Testimony(facts.STARTS.name),
    applies=_alone(facts.STARTS),
    bad_when="below",
    levels={"warning": Level(Fraction(1), hold=600)},
    hints=_hints(facts.STARTS),
    summary="By {witness} no task starts, and it is contradicted: others hear of some",
    action="Mend the witness; tasks run.",
    meaning="Tasks start. One receiver of events does not hear it, and what it alone counts is too small.",
    causes=("the receiver lost its connection and goes on serving", "some of the workers send no events"),
    dashboard="celery-queues",
)


def _nothing_to_miss(site: Site) -> str:
    if not site.targets:
        return "nothing is scraped"
    return "no listed source always gives what an alert reads" if site.judged and not blindness.names(site) else ""


SOURCE_BLIND_SIGNAL = Signal(
    id="source_blind",
    alert="CeleryExporterBlind",
    title="What a source that is scraped does not give",
    family="stack",
    unit="count",
    by=("missing",),
    only_names=blindness.names,
    needs=(SOURCE_BLIND,),
    expr=lambda site: SOURCE_BLIND.name,
    shape=input_shapes.Value(SOURCE_BLIND),
    applies=_nothing_to_miss,
    levels={"warning": Level(Fraction(0), hold=600)},
    hints=blindness.hints,
    commands=(_WHO,),
    summary="Prometheus scrapes the source and gets no {missing}",
    action="See what the source really exposes, its flags and its log; restart it when it lost its connection.",
    meaning="The source answers, and what it always gives is not there. Alerts that read it say nothing, good or bad.",
    causes=(
        "celery-exporter lost its receiver of events and its web server goes on",
        "workers run without -E (worker_send_task_events); where that is meant, say `celery.events: false`",
        "workers run with --without-heartbeat and are idle",
        "the source was started without the generated flags, or lost its password",
        "Prometheus turns classic histograms into native ones (convert_classic_histograms_to_nhcb)",
    ),
    dashboard="celery-stack",
)
