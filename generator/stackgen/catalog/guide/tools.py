"""The guide's "Monitoring Tools": Flower, the exporter and APM."""

from __future__ import annotations

from stackgen.catalog.guide.row import Chapter, Row
from stackgen.catalog.series import QUEUE_LENGTH, TASK_DURATION_BUCKET, TASK_DURATION_SUM, TASKS, WORKERS_ACTIVE

_FLOWER = "flower/config.py"
_EXPORTER = "exporters/celery-exporter.yml"
_RULES = "prometheus/rules/celery-{}.yml"

FLOWER = Chapter(
    title="Flower",
    about="Flower is the web interface to look and act. Alerts do not depend on it.",
    rows=(
        Row(
            title="Installing Flower",
            guide="pip install flower",
            language="bash",
            wrong="Nothing; but whatever is newest today is installed, which is not what was tested yesterday.",
            ours="A container image with a pinned version; `versions` in stack.yaml changes it.",
        ),
        Row(
            title="Starting Flower",
            guide="celery -A config flower --port=5555",
            language="bash",
            wrong="It listens on all interfaces without a password, remembers every worker that ever was, and its "
            "runtime histogram ends at 10 seconds.",
            ours="Address, port, login, prefix, the time after which a dead worker is forgotten and the bounds of the "
            "histogram are set. Command line wins over configuration file, which wins over environment.",
            code="celery -A {app} flower --conf=config.py",
            code_language="bash",
            where=(_FLOWER,),
        ),
        Row(
            title="Opening Flower",
            guide="http://localhost:5555",
            wrong="With a prefix every address moves, `/metrics` and `/healthcheck` too; without it they answer 404. "
            "These two never ask for a password, so the port must not be published.",
            ours="Address, scrape path and health check follow the prefix of stack.yaml.",
            where=(_FLOWER,),
        ),
        Row(
            title="Flower's settings",
            guide="FLOWER_PORT\nFLOWER_BASIC_AUTH\nFLOWER_URL_PREFIX",
            language="python",
            wrong="In `settings.py` or `celery.py` all three are ignored: Flower came up on its default port, without "
            "a password. They are read from the environment, and there a Python list such as `['user:secret']` "
            "becomes one literal name nobody can log in with.",
            ours="Lower-case names in a file without which Flower does not start. The login comes from the environment "
            "or from a secret file; it never stands in a file of output/.",
            where=(_FLOWER,),
        ),
    ),
)

EXPORTER = Chapter(
    title="Prometheus metrics",
    about="No exporter has the guide's set of metrics. Rules, dashboards and runbooks of this stack therefore use "
    "series of their own, recorded from whichever source stack.yaml lists.",
    rows=(
        Row(
            title="Installing the exporter",
            guide="pip install celery-exporter",
            language="bash",
            wrong="This is a package that nobody has cared for since 2021: it does not install on any Python from 3.9 "
            "on. Where it does, on 3.8, it comes without a Redis client, answers every scrape and reports 0 workers "
            "for ever.",
            ours="The image of danihodovic/celery-exporter, which is another program, with a pinned version.",
            where=(_EXPORTER,),
        ),
        Row(
            title="Starting the exporter",
            guide="celery-exporter --broker-url=redis://localhost:6379/0",
            language="bash",
            wrong="A password in this address shows in the process list. Without more options an empty queue and one "
            "without workers have no series, quantiles end at 10 seconds, and one lost connection to the broker "
            "ends the exporter and all its counts.",
            ours="Every queue is named, the bounds of the histograms contain every threshold, and a retry interval "
            "keeps it alive. The address comes from the environment.",
            where=(_EXPORTER,),
        ),
        Row(
            title="Queue length metric",
            guide='celery_queue_length{queue="celery"}\ncelery_queue_length{queue="priority"}',
            language="promql",
            wrong="It exists, but its label is `queue_name`: the guide's selectors find nothing.",
            ours="A recorded series with the label `queue`, the same whichever source measures it.",
            code=f'{QUEUE_LENGTH.name}{{queue="celery"}}\n{QUEUE_LENGTH.name}{{queue="priority"}}',
            where=(_RULES.format("queues"),),
        ),
        Row(
            title="Worker metrics",
            guide="celery_workers_active\ncelery_workers_total",
            language="promql",
            wrong="No exporter has either. A comparison with a metric that does not exist has no result, so an alert "
            "on it never fires.",
            ours="Counted from heartbeats, with zero believed from the workers' own answers. There is no total: "
            "how many there should be is `min_workers` in stack.yaml, or the most of the last hour.",
            code=f"{WORKERS_ACTIVE.name}\nmax_over_time({WORKERS_ACTIVE.name}[1h])",
            where=(_RULES.format("workers"),),
        ),
        Row(
            title="Task counters",
            guide='celery_tasks_total{state="SUCCESS"}\ncelery_tasks_total{state="FAILURE"}\n'
            'celery_tasks_total{state="RETRY"}',
            language="promql",
            wrong="Only the dead package has this name. celery-exporter has one counter for each event, and a new "
            "series is born at 1, so `increase` misses the first failure.",
            ours="Executions that ended in ten minutes, births counted; REVOKED and REJECTED are there too. The source "
            "`worker` exposes the guide's own name.",
            code="\n".join(f'sum({TASKS.name}{{state="{state}"}})' for state in ("SUCCESS", "FAILURE", "RETRY")),
            where=(_RULES.format("tasks"),),
        ),
        Row(
            title="Task duration histogram",
            guide="celery_task_duration_seconds_bucket\ncelery_task_duration_seconds_count\n"
            "celery_task_duration_seconds_sum",
            language="promql",
            wrong="celery-exporter calls it `celery_task_runtime`, times only tasks that succeeded, and ends at "
            "10 seconds unless told otherwise: a limit of 300 seconds is then out of reach.",
            ours="Recorded as increases, with a bound on every threshold. The count is the bucket `+Inf`.",
            code=f'{TASK_DURATION_BUCKET.name}\n{TASK_DURATION_BUCKET.name}{{le="+Inf"}}\n{TASK_DURATION_SUM.name}',
            where=(_RULES.format("tasks_durations"), _EXPORTER),
        ),
    ),
)

APM = Chapter(
    title="Application performance monitoring",
    about="These run inside the application: celery_monitoring.py starts them where stack.yaml switches them on.",
    rows=(
        Row(
            title="Sentry Integration",
            guide="sentry_sdk.init(\n    integrations=[CeleryIntegration()],\n    traces_sample_rate=0.1,\n)",
            language="python",
            wrong="The guide's placeholder for the DSN is refused at import, so the worker does not start; an empty "
            "one is accepted and reports nothing. The integration is on by itself where Celery is installed.",
            ours="Switch it on in stack.yaml; the DSN is read from the environment, and a bad one is told in the log. "
            "Neither arguments nor local variables are sent. What sends tasks starts Sentry itself: without the sender "
            "there is no latency.",
            code="app:\n  sentry: {enabled: true, dsn_env: SENTRY_DSN, traces_sample_rate: 0.1}",
            code_language="yaml",
        ),
        Row(
            title="New Relic Integration",
            guide="newrelic.agent.initialize('newrelic.ini')\n"
            "app = newrelic.agent.wrap_background_task(Celery('muejam'))",
            language="python",
            wrong="The second line raises TypeError, for that function takes a module and a path; the first raises "
            "ConfigurationError when the file is missing. The worker does not start.",
            ours="No code: switch it on in stack.yaml, which writes newrelic.ini, and start the worker through the "
            "agent, with the licence key in NEW_RELIC_LICENSE_KEY.",
            code="NEW_RELIC_CONFIG_FILE=newrelic.ini newrelic-admin run-program celery -A {app} worker",
            code_language="bash",
        ),
    ),
)
