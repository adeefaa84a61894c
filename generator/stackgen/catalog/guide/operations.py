"""The guide's "Logging" and "Health Checks": what runs in the application."""

from __future__ import annotations

from stackgen.catalog.guide.row import Chapter, Row

LOGGING = Chapter(
    title="Logging",
    about="The guide logs from Celery's signals; so does celery_monitoring.py, which stands beside the application.",
    rows=(
        Row(
            title="Log when a task starts",
            guide="@task_prerun.connect\ndef task_prerun_handler(...):\n    logger.info(json.dumps({\n"
            "        'event': 'task_started', ...\n        'args': str(args),\n        'kwargs': str(kwargs),",
            language="python",
            wrong="The line is not JSON: Celery writes `[time: LEVEL/Process]` in front of it, so a reader of JSON "
            "fails on every line. Arguments stand in clear text: passwords, tokens and card numbers too.",
            ours="Every line is one JSON object with ECS names, with task, id, queue and attempt. Arguments are left "
            "out, in Celery's own records too, which carry them as `data`; `app.logs.allow_arguments` opens some.",
            where=("celery/celery_monitoring.py",),
        ),
        Row(
            title="Log when a task has ended",
            guide="@task_postrun.connect\ndef task_postrun_handler(...):\n    logger.info(json.dumps({\n"
            "        'event': 'task_completed', ...\n        'result': str(retval),",
            language="python",
            wrong="This signal is sent after failures and retries too, so they are logged as completed, with the "
            "exception as their result.",
            ours="One record each for succeeded, failed, retried, revoked, rejected, unknown and internal error, with "
            "duration, wait and outcome, and without the result.",
            where=("celery/celery_monitoring.py",),
        ),
        Row(
            title="Log when a task has failed",
            guide="@task_failure.connect\ndef task_failure_handler(...):\n    logger.error(json.dumps({\n"
            "        'event': 'task_failed', ...\n        'traceback': str(traceback),",
            language="python",
            wrong="The text is `<traceback object at 0x...>`. Retried, revoked, rejected and unknown tasks have no "
            "handler at all.",
            ours="Type, message and stack of the exception, each cut at a length. The message may quote arguments.",
            where=("celery/celery_monitoring.py",),
        ),
        Row(
            title="Filebeat Configuration",
            guide="filebeat.inputs:\n- type: log\n  json.keys_under_root: true\n\noutput.elasticsearch:\n"
            '  hosts: ["elasticsearch:9200"]\n  index: "celery-logs-%{+yyyy.MM.dd}"',
            language="yaml",
            wrong="Filebeat 9 does not start with it: the input `log` is refused, and so is an index name without a "
            "template. A new index each day is what data streams have replaced; Elasticsearch asks for TLS and a "
            "login since version 8.",
            ours="A `filestream` input with an id, a data stream, TLS, and an API key by reference. Only lines of "
            "celery_monitoring.py are taken apart; any other is kept as text, so that its fields clash with none. A "
            "file is read from its first line on, and to its end when it is renamed; by default Filebeat 9 waits until "
            "a file has 1024 bytes. The data stream has a template and a retention of its own, "
            "`logs.elasticsearch.retention`: the policy that Elasticsearch has for all logs never deletes. What "
            "Elasticsearch refuses all the same is kept in the stream's failure store: the saved search `refused`.",
            where=(
                "logs/filebeat/filebeat.yml",
                "logs/elasticsearch/index-template.json",
                "logs/elasticsearch/setup.sh",
            ),
        ),
        Row(
            title="Log Aggregation",
            guide="Send logs to centralized logging system (ELK, Loki, CloudWatch).",
            ours="Elasticsearch through Filebeat, with a data view and saved searches for Kibana; Loki through Grafana "
            "Alloy; CloudWatch through its agent. Each runbook has the queries for what its alert is about.",
            code="logs:\n  shippers: [filebeat, alloy, cloudwatch]",
            code_language="yaml",
            where=(
                "logs/filebeat/filebeat.yml",
                "logs/kibana/celery.ndjson",
                "logs/kibana/setup.sh",
                "logs/alloy/config.alloy",
                "logs/cloudwatch/amazon-cloudwatch-agent.json",
            ),
        ),
        Row(
            title="Log Aggregation in Loki",
            guide="",
            ours="A stream per file and host; task, queue, worker and ids beside each line. Loki judges lines with the "
            "thresholds of stack.yaml; its alerts go the way of all others. Each dashboard ends with the lines of what "
            "is chosen, and its panels link to them.",
            where=("logs/alloy/config.alloy",),
        ),
        Row(
            title="Log Aggregation in CloudWatch",
            guide="",
            ours="A log group with a retention that the service knows, metric filters on the nested fields of our "
            "lines, and alarms with the thresholds of stack.yaml: failures of one task, tasks that no worker knows, "
            "lost processes, silence. An alarm names the task or worker: one query judges each for itself.",
            where=("logs/cloudwatch/cloudformation.yaml",),
        ),
    ),
)

HEALTH = Chapter(
    title="Health checks",
    about="A health check must be cheap, and must not call a dead system healthy.",
    rows=(
        Row(
            title="Worker Health Check",
            guide="def check_worker_health():\n    inspect = Inspect(app=app)\n    active = inspect.active()\n"
            "    registered = inspect.registered()\n    stats = inspect.stats()",
            language="python",
            wrong="Three questions, each waits a full second: 3.1 s. With the broker down it raises after about 6 s "
            "instead of answering. A busy worker of the solo pool does not answer and would be restarted.",
            ours="One question to one worker; about 2 s and one start of Python, so ask once a minute and allow 10 s.",
            code="celery -A {app} inspect ping -d celery@$HOSTNAME",
            code_language="bash",
            signals=("workers_active",),
        ),
        Row(
            title="Queue Health Check",
            guide="def check_queue_health():\n    inspect = Inspect(app=current_app)\n"
            "    reserved = inspect.reserved()\n"
            "    total_tasks = sum(len(tasks) for tasks in reserved.values())\n    if total_tasks > 1000:",
            language="python",
            wrong="It counts what workers have prefetched, not the queue. With 2994 tasks waiting it said 8; with "
            "every worker dead it said the queue is empty and healthy. It can hardly ever reach 1000.",
            ours="Ask the broker. In `celery shell`, where `app` is defined; a queue nobody ever used raises NotFound, "
            "which means 0:",
            code="with app.connection_for_read() as connection:\n"
            '    queue = connection.default_channel.queue_declare(queue="celery", passive=True)\n'
            "    print(queue.message_count)",
            code_language="python",
            signals=("queue_length", "queue_stuck"),
        ),
    ),
)
