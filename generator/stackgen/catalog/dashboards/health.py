"""Stack Health: can the other dashboards and the alerts be believed?"""

from __future__ import annotations

from stackgen.catalog import promql
from stackgen.catalog.dashboard import Dashboard, Lines, Panel, Query, Row, View, judged
from stackgen.catalog.signals.stack import (
    BROKER_DOWN,
    EXPORTER_DOWN,
    NOTIFICATION_FAILURES_SIGNAL,
    RULE_FAILURES_SIGNAL,
    SCRAPE_FAILURES,
    WATCHDOG,
)

_UP = ((0, "Down", "red"), (1, "Up", "green"))
_OURS = 'signal!="",signal!="watchdog"'
_FIRING = 'alertstate="firing"'
_REMEMBERED = "15m"


def _scrape_age(view: View) -> str:
    of_each = (f"max by (job) (max_over_time({_good(job, view)}))" for job in view.jobs)
    return f"time() - ({' or '.join(of_each)})"


def _scrape_duration(view: View) -> str:
    of_each = (promql.select("scrape_duration_seconds", promql.one_of("job", [job])) for job in view.jobs)
    return f"max by (job) ({' or '.join(of_each)})"


def _good(job: str, view: View) -> str:
    """When a scrape of the job last worked, as a range."""
    up = promql.select("up", promql.one_of("job", [job]))
    return f"(timestamp({up}) and {up} == 1)[{_REMEMBERED}:{promql.seconds(view.site.scrape)}]"


def _firing(severity: str, color: str) -> Query:
    return Query(
        expr=lambda view: f'count(ALERTS{{{_FIRING},{_OURS},severity="{severity}"}}) or vector(0)',
        legend=severity.capitalize(),
        color=color,
        at_end=True,
        together=True,
    )


_FIRING_NOW = (_firing("critical", "red"), _firing("warning", "orange"), _firing("info", "blue"))

_ALERTS = Row(
    "Alerts",
    (
        Panel(
            title="Firing Alerts",
            kind="stat",
            description="Alerts of this stack that fire now, by severity.",
            unit="count",
            queries=_FIRING_NOW,
            width=5,
        ),
        Panel(
            title="Alerting",
            kind="stat",
            description="Whether Prometheus evaluates alerts at all. The watchdog always fires; if it does not, "
            "silence on this page means nothing.",
            unit="count",
            queries=(
                Query(
                    expr=lambda view: f'count(ALERTS{{{_FIRING},signal="watchdog"}}) or vector(0)',
                    needs=(WATCHDOG,),
                    legend="Watchdog",
                    at_end=True,
                    together=True,
                ),
            ),
            states=((0, "Broken", "red"), (1, "Works", "green")),
            width=4,
        ),
        Panel(
            title="What Fires Now",
            kind="table",
            description="What fires now, and since when its condition holds. The runbook of an alert says what to do.",
            unit="moment",
            queries=(
                Query(
                    expr=lambda view: (
                        f"1000 * (ALERTS_FOR_STATE{{{_OURS}}} and ignoring (alertstate) ALERTS{{{_FIRING},{_OURS}}})"
                    ),
                    legend="Since",
                    at_end=True,
                ),
            ),
            hidden=("Time", "__name__", "signal", "stack", "environment"),
            width=15,
        ),
        Panel(
            title="Firing Alerts over Time",
            kind="timeseries",
            description="How many alerts of this stack fire, by severity.",
            unit="count",
            queries=tuple(query._replace(at_end=False) for query in _FIRING_NOW),
            width=24,
            height=6,
            stacked=True,
        ),
    ),
)

_SOURCES = Row(
    "Sources",
    (
        Panel(
            title="Sources Up",
            kind="state-timeline",
            description="Whether at least one replica of each source of metrics is scraped. While one is down, alerts "
            "that depend on it are blind.",
            unit="count",
            queries=(Query(expr=lambda view: view.value(EXPORTER_DOWN), needs=(EXPORTER_DOWN,), legend="{{source}}"),),
            signals=(EXPORTER_DOWN,),
            states=_UP,
        ),
        Panel(
            title="Broker Up",
            kind="state-timeline",
            description="Whether the broker answers its exporter.",
            unit="count",
            queries=(Query(expr=lambda view: view.value(BROKER_DOWN), needs=(BROKER_DOWN,), legend="Broker"),),
            signals=(BROKER_DOWN,),
            states=_UP,
        ),
        Panel(
            title="Failed Scrapes",
            kind="timeseries",
            description="Scrapes of each source that failed in the last 15 minutes; the worst replica counts.",
            unit="count",
            queries=(judged(SCRAPE_FAILURES),),
            signals=(SCRAPE_FAILURES,),
            width=8,
        ),
        Panel(
            title="Scrape Age",
            kind="timeseries",
            description=f"Time since the last good scrape of each job; no line when there was none for {_REMEMBERED}.",
            unit="seconds",
            queries=(Query(expr=_scrape_age, legend="{{job}}"),),
            width=8,
        ),
        Panel(
            title="Scrape Duration",
            kind="timeseries",
            description="How long the slowest target of each job takes to answer. celery-exporter asks the workers "
            "first, which takes over 2 s.",
            unit="seconds",
            queries=(
                Query(
                    expr=_scrape_duration,
                    legend="{{job}}",
                ),
            ),
            width=8,
        ),
    ),
)

_OWN = Row(
    "Rules and notifications",
    (
        Panel(
            title="Rule Failures",
            kind="timeseries",
            description="Evaluations of a rule group that failed in the last 5 minutes: its alerts cannot fire.",
            unit="count",
            queries=(judged(RULE_FAILURES_SIGNAL),),
            signals=(RULE_FAILURES_SIGNAL,),
        ),
        Panel(
            title="Notification Failures",
            kind="timeseries",
            description="Notifications that could not be delivered in the last 5 minutes: nobody is told.",
            unit="count",
            queries=(judged(NOTIFICATION_FAILURES_SIGNAL),),
            signals=(NOTIFICATION_FAILURES_SIGNAL,),
        ),
    ),
)

STACK = Dashboard(
    id="celery-stack",
    title="Celery / Stack Health",
    description="Can the other dashboards and the alerts be believed?",
    variables=(),
    rows=(_ALERTS, _SOURCES, _OWN),
    lines=Lines("Newest Log Lines", "What has arrived last: when nothing is here, no log arrives."),
)
