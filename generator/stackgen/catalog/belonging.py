"""What belongs to this stack: the matchers that every selector of an expression gets, and the labels of its series.

Expressions of the catalogue name recorded series and scrape jobs only; whose they are is added here, and nowhere else.
One Prometheus may hold other stacks, with the same names of jobs, queues and tasks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackgen.catalog import copies, promql
from stackgen.catalog.site import Site

_TOKEN = re.compile(
    r'\bjob="(?P<job>[^"\\]*)"'
    r'|"(?:\\.|[^"\\])*"'  # what stands in a text is no selector
    r"|\b(?P<recorded>celery:[\w:]+|ALERTS(?:_FOR_STATE)?)\b(?P<open>\{)?(?P<empty>\})?"
)


def narrowed(expr: str, site: Site, family: str = "", chosen: tuple[str, ...] = (), *, together: bool = False) -> str:
    """The expression over this stack only: recorded series and alerts by its labels, all else by its sources.

    Where the stack has copies, each is kept apart, unless they are to be taken `together`; a rule's family says which
    group it stands in. `chosen` are matchers for all that copies have. To be applied once, to the whole of an
    expression.
    """
    selected = _selected(expr, site, chosen)
    if together or not site.copies.labels or is_central(expr, site):
        return selected
    known = promql.select(copies.KNOWN, promql.one_of("family", [family] if family else []))
    return site.copies.kept(selected, _selected(known, site, chosen))


def is_central(expr: str, site: Site) -> bool:
    """Whether it reads nothing but what all copies have together, as Prometheus itself."""
    jobs = {found["job"] for found in _TOKEN.finditer(expr)} - {None}
    return bool(jobs) and jobs <= site.central


def _selected(expr: str, site: Site, chosen: tuple[str, ...] = ()) -> str:
    ours = ",".join(sorted((*promql.exactly(site.identity), *chosen)))

    def one(found: re.Match[str]) -> str:
        if found["job"] is not None:
            told = site.told.get(found["job"])
            return ",".join((told.matchers if told else found[0], *(() if found["job"] in site.central else chosen)))
        if not found["recorded"] or not ours:
            return found[0]
        inside = f"{{{ours}}}" if found["empty"] or not found["open"] else f"{{{ours},"
        return found["recorded"] + inside

    return _TOKEN.sub(one, expr)


def labels(name: str, own: Mapping[str, str], site: Site) -> dict[str, str]:
    """The labels that a series of a test needs besides its own, so that the narrowed expressions find it."""
    if own.get("job") not in site.central:
        own = {**next(iter(site.copies.tested), {}), **own}
    if "job" not in own:
        return {**own, **site.identity} if ":" in name or name.startswith("ALERTS") else dict(own)
    told = site.told.get(own["job"])
    if told is None:
        return dict(own)
    instance = own.get("instance", "")
    if not told.targets or instance in told.targets:
        return {**own, **told.labels}
    # A target stands for all that a test needs of one kind; what they are called keeps them apart.
    replica = {} if instance == f"{own['job']}:1" else {"replica": instance}
    return {**own, **told.labels, "instance": told.targets[0], **replica}
