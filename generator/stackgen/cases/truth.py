"""Cases of a fact's witnesses: who denies alone is told, and the whole table of what all of them may say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import ceil

from stackgen.cases.assertions import case
from stackgen.cases.model import Case, QueryAssertion, Subject
from stackgen.cases.stages import filled_in
from stackgen.cases.under_test import SignalUnderTest
from stackgen.catalog import facts, input_shapes
from stackgen.catalog.facts import Fact, Words
from stackgen.catalog.timeline import Input, Segment
from stackgen.catalog.witness import Witness


def _row(test: SignalUnderTest) -> int:
    """Samples of a row of the table: longer than any bridge and range together."""
    site = test.plan.site
    lately = max(4 * site.scrape, Fraction(120))
    return ceil((site.bridged + lately + test.tick) / test.step) + 1


def contradicted(test: SignalUnderTest) -> Iterator[Case]:
    """Each witness that denies alone is told after the hold, until it affirms again; all together are believed."""
    fact = fact_of(test)
    witnesses, row = facts.heard(fact, test.plan.site), _row(test)
    for denier in (one for one in facts.suspects(fact, test.plan.site) if one.no):
        other = next(w for w in witnesses if w.name != denier.name)
        stages = [({denier.name: 0, other.name: 1}, test.steps), ({denier.name: 1, other.name: 1}, row)]
        change, end = row * test.step, test.steps * test.step
        intervals = {severity: test.interval(severity, (0, change), (end, end + change)) for severity in test.alerts}
        firing = {severity: interval for severity, interval in intervals.items() if interval}
        labels = {**_subject(fact, test), "witness": denier.name}
        limits = dict.fromkeys(test.alerts, Fraction(1))
        one = Subject(labels, _inputs(test, fact, stages), firing, limits)
        yield case(test, f"{denier.name} denies what {other.name} affirms", [one])


def table(test: SignalUnderTest) -> Iterator[Case]:
    """Every row: what is recorded of the fact, and which witnesses are contradicted."""
    fact = fact_of(test)
    rows = list(rows_of(facts.heard(fact, test.plan.site)))
    queries: list[QueryAssertion] = []
    labels, by = _subject(fact, test), ", ".join(fact.by)
    told = f"max by ({', '.join((*fact.by, 'witness'))}) ({test.signal.record})"
    suspects = [witness.name for witness in facts.suspects(fact, test.plan.site)]
    chosen = test.plan.chosen.get(fact.judged.name)
    is_judged = chosen is not None and chosen.source.id in {w.source for w in facts.heard(fact, test.plan.site)}
    row = _row(test)
    for number, words in enumerate(rows, 1):
        at = number * row * test.step - test.tick
        word = facts.decided(words)
        known = ((labels, Fraction(word)),) if word is not None else ()
        alone = tuple(
            ({**labels, "witness": name}, Fraction(0)) for name in facts.alone(fact, words) if name in suspects
        )
        if is_judged:
            queries.append(QueryAssertion(at, f"max by ({by}) ({fact.judged.name} == 0)", known if word == 0 else ()))
        if fact.either:
            waits = known if word and not facts.alone(fact, words) else ()
            queries.append(QueryAssertion(at, f"max by ({by}) ({fact.judged.name} > 0)", waits))
        queries += [QueryAssertion(at, facts.verdict(fact), known), QueryAssertion(at, told, alone)]
    inputs = _inputs(test, fact, [(words, row) for words in rows])
    yield Case(f"the truth table, {len(rows)} rows", test.step, inputs, queries=tuple(queries))


def rows_of(witnesses: tuple[Witness, ...]) -> Iterator[Words]:
    """Every combination of what they can say."""
    for words in product(*((1, 0, None) if w.no else (1, None) for w in witnesses)):
        yield dict(zip((w.name for w in witnesses), words, strict=True))


def fact_of(test: SignalUnderTest) -> Fact:
    """The fact whose witnesses the signal judges."""
    shape = test.signal.shape
    assert isinstance(shape, input_shapes.Testimony)
    return facts.FACTS[shape.fact]


def _subject(fact: Fact, test: SignalUnderTest) -> dict[str, str]:
    """A queue that is judged, where the fact is about queues."""
    site = test.plan.site
    working = [name for name in site.queues if name not in site.dead_letter]
    return dict.fromkeys((label for label in fact.series.labels if label != "witness"), (working or site.queues)[0])


def _inputs(test: SignalUnderTest, fact: Fact, stages: Sequence[tuple[Words, int]]) -> tuple[Input, ...]:
    """What makes each witness say its word of each stage; where it has none it is silent."""
    made: list[Input] = []
    for witness in facts.heard(fact, test.plan.site):
        words = [(words.get(witness.name), steps) for words, steps in stages]
        if any(word is not None for word, _ in words):
            segments = tuple(Segment(word, steps) for word, steps in words)
            made += witness.feed(test.plan.site, filled_in(_subject(fact, test), test.plan.site), segments, test.step)
    return tuple(made)
