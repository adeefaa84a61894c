"""How counters become canonical increases: births counted, replicas not doubled, exporter labels renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from stackgen.catalog import promql
from stackgen.catalog.series import TASKS_NEW, WINDOW
from stackgen.catalog.site import Site


def increase(
    metric: str, matchers: tuple[str, ...], site: Site, born: Literal["zero", "first value"], window: int = WINDOW
) -> str:
    """Growth of each series over the window; a series born at N inside the window counts N, not 0.

    The birth counts only if the target was scraped a window ago, so that a restart of Prometheus is no burst. All
    buckets of a histogram appear in one scrape, so only the last is asked: two passes over the others instead of three.
    Source: promtool proofs in the generated tests; prometheus/prometheus#1673 has the problem.
    """
    selector, span = promql.select(metric, *matchers), promql.seconds(window)
    grown = f"increase({selector}[{span}])"
    if born == "zero":
        return grown
    job = matchers[0]
    is_bucket = metric.endswith("_bucket")
    witness = promql.select(metric, *matchers, 'le="+Inf"') if is_bucket else selector
    new = (
        f"((last_over_time({witness}[{site.bridge}]) unless {witness} offset {span})"
        f" and on (instance) (up{{{job}}} offset {span} == 1))"
    )
    if is_bucket:
        new = f"(last_over_time({selector}[{site.bridge}]) and ignoring (le) {new})"
    return f"{new} or {grown}"


def grown(metric: str, matchers: tuple[str, ...], site: Site) -> str:
    """Growth of each series since the last evaluation of TASKS_NEW, where there is any; births as in `increase`.

    A counter that is less than it was has started anew: what it says now is new. A sample bears the time at which its
    scrape began and is there when it has ended, so both looks are as long ago as a scrape may take: an evaluation that
    falls into a scrape would else see what is new of it never, for the next one takes it for old.
    """
    selector, settled = promql.select(metric, *matchers), promql.seconds(site.scrape_timeout)
    before = f"offset {promql.seconds(site.every(TASKS_NEW) + site.scrape_timeout)}"
    now = f"last_over_time({selector}[{site.bridge}] offset {settled})"
    then = f"last_over_time({selector}[{site.bridge}] {before})"
    born = f"{now} and on (instance) last_over_time(up{{{matchers[0]}}}[{site.bridge}] {before}) == 1"
    return f"({now} - {then} >= 0 or {born}) > 0"


def per_replica(expr: str, names: Mapping[str, str]) -> str:
    """The sum over series of one replica, then the largest replica; `names` maps canonical to exporter labels.

    Two replicas of one exporter see the same events: adding them would double every count.
    """
    inner = ", ".join(dict.fromkeys(["instance", *names.values()]))
    return _outer("max", f"sum by ({inner}) ({expr})", names)


def per_worker(expr: str, names: Mapping[str, str]) -> str:
    """The sum over all targets, for sources where each target counts its own work."""
    inner = ", ".join(dict.fromkeys(names.values()))
    return _outer("sum", f"sum by ({inner}) ({expr})", names)


def _outer(operator: str, expr: str, names: Mapping[str, str]) -> str:
    renamed = promql.copy_labels(expr, names)
    if renamed == expr and operator == "sum":
        return expr
    return f"{operator} by ({', '.join(names)}) ({renamed})"


def latest(metric: str, matchers: tuple[str, ...], site: Site, names: Mapping[str, str]) -> str:
    """The largest recent value of a gauge over all replicas, bridging one missed scrape."""
    expr = f"last_over_time({promql.select(metric, *matchers)}[{site.bridge}])"
    by = f" by ({', '.join(names)})" if names else ""
    return f"max{by} ({promql.copy_labels(expr, names)})"


def none_told(job: str, site: Site) -> str:
    """0 while a target that this matcher selects has answered lately: it is up, and what it does not tell is none."""
    return f"0 * max(max_over_time(up{{{job}}}[{site.bridge}]) == 1)"


def shrinks(gauge: str) -> str:
    """Those of a gauge that got smaller within the last 5 minutes, at whatever moment; others have no value."""
    return f"resets({gauge}[{promql.seconds(WINDOW)}]) > 0"


def of_limit(used: str, measured: str, site: Site) -> str:
    """Memory as a share of what stack.yaml allows, whatever a source measured; of the measured limit without one."""
    return f"{used} / {site.worker_memory_limit or f'({measured} > 0)'}"
