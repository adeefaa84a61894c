"""Random stack.yaml files that are legal and mean: names that break quoting, thresholds at odd places."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.hostile.drawn import of_form

Spec = dict[str, Any]

_NASTY = (
    'say "hi"',
    "it's",
    "back\\slash\\",
    "line\nbreak",
    "tab\there",
    "{{ $labels.queue }}",
    "{{`",
    "{% raw %}",
    "}} {{ end }}",
    "$value ${HOME} $$ $1",
    "# no comment",
    "- item: {a: b}",
    ".*|^$(x)[y]?+",
    "<b>&amp;</b>",
    "`tick` ``` fence",
    " lead and trail ",
    "null",
    "1e3",
    "=cmd()",
    "<!channel> @here <https://evil.example|Runbook>",
    "[Runbook](https://evil.example)",
    "a | b \\| c",
    "&anchor *alias !tag %TAG",
    "<<: ? : - ",
    "日本語 ∑ 🚀 é",
    "\u200b\u202e\ufeff\u2028\x85",
    "%s %q {0}",
    "x" * 200,
)
names = of_form(
    "{}",
    st.one_of(
        st.sampled_from(_NASTY),
        st.text(
            st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t\"'\\{}$#.*`"),
            min_size=1,
            max_size=40,
        ),
    ).filter(lambda text: not text.isspace()),
)
_no_comma = names.filter(lambda text: "," not in text)

_RATIOS = st.integers(1, 9_900).map(lambda n: f"{n // 100}.{n % 100:02}%")
_COUNTS = st.integers(1, 200_000)
_SECONDS = st.integers(1, 20_000).map(lambda n: f"{n}s")
_RATES = st.integers(1, 9_999).map(lambda n: f"{n // 100}.{n % 100:02}/s")
_HOLDS = st.sampled_from(("0s", "30s", "1m", "90s", "2m", "5m", "7m30s", "10m", "25m", "1h"))

_LIMITS = {
    "workers_active": st.integers(1, 9),
    "workers_missing": _RATIOS,
    "worker_cpu": _RATIOS,
    "worker_memory": _RATIOS,
    "worker_uptime": _SECONDS,
    "queue_length": _COUNTS,
    "queue_growth": _RATES,
    "queue_wait_p95": _SECONDS,
    "queue_stuck": st.integers(0, 500),
    "queue_no_consumers": st.integers(1, 9),
    "queue_drain_time": _SECONDS,
    "dead_letter_length": _COUNTS,
    "task_failure_ratio": _RATIOS,
    "task_success_ratio": _RATIOS,
    "task_duration_p95": _SECONDS,
    "task_retry_ratio": _RATIOS,
    "task_timeout_ratio": _RATIOS,
    "scrape_failures": st.integers(1, 12),
}
_OF_QUEUE = ("queue_length", "queue_growth", "queue_wait_p95", "queue_stuck", "queue_drain_time")
_OF_DEAD = ("dead_letter_length",)
_OF_TASK = ("task_failure_ratio", "task_duration_p95", "task_retry_ratio", "task_timeout_ratio")


@st.composite
def _signal(draw: st.DrawFn, signal: str) -> Spec:
    level: Spec = {"threshold": draw(_LIMITS[signal])}
    if draw(st.booleans()):
        level["for"] = draw(_HOLDS)
    made: Spec = {"warning": level}
    if signal.endswith("_ratio"):
        if draw(st.booleans()):
            made["min_tasks"] = draw(st.integers(0, 500))
        if signal != "task_success_ratio" and draw(st.booleans()):
            made["min_failures"] = draw(st.integers(0, 200))
    if draw(st.booleans()):
        made["keep_firing_for"] = draw(_HOLDS)
    made["critical"] = "never"
    if signal == "worker_uptime":
        made["info"] = "never"
    return made


@st.composite
def _queue(draw: st.DrawFn) -> Spec:
    made: Spec = {}
    if draw(st.integers(0, 3)) == 0:
        made["role"] = "dead_letter"
    elif draw(st.booleans()):
        made["min_workers"] = draw(st.integers(1, 6))
    if draw(st.booleans()):
        made["owner"] = draw(names)
    able = _OF_DEAD if made.get("role") else _OF_QUEUE
    chosen = draw(st.lists(st.sampled_from(able), max_size=2, unique=True))
    made["thresholds"] = {signal: {"warning": draw(_LIMITS[signal])} for signal in chosen}
    return made


@st.composite
def _task(draw: st.DrawFn) -> Spec:
    made: Spec = {}
    if draw(st.booleans()):
        made["owner"] = draw(names)
    if draw(st.booleans()):
        made["period"] = draw(st.sampled_from(("1m", "7m", "1h", "1d")))
    chosen = draw(st.lists(st.sampled_from(_OF_TASK), max_size=2, unique=True))
    made["thresholds"] = {signal: {"warning": draw(_LIMITS[signal])} for signal in chosen}
    return made


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """A stack.yaml that is well formed; whether its parts go together the parser decides."""
    broker = draw(st.sampled_from(("redis", "rabbitmq")))
    able = ["celery-exporter", "worker", "flower", "cadvisor", "process-exporter", broker]
    celery: Spec = {
        "app": "proj",
        "pool": draw(st.sampled_from(("prefork", "threads", "gevent", "solo"))),
        "events": draw(st.booleans()),
        "sent_events": draw(st.booleans()),
        "broker": {"kind": broker, "priorities": draw(st.booleans())},
    }
    if draw(st.booleans()):
        celery["worker_memory_limit"] = "1.5GiB"
    signals = draw(st.lists(st.sampled_from(sorted(_LIMITS)), max_size=5, unique=True))
    return {
        "version": 1,
        "stack": {"name": "hostile", "owner": draw(names), "labels": {"extra": draw(names)}},
        "celery": celery,
        "queues": draw(st.dictionaries(_no_comma, _queue(), min_size=1, max_size=4)),
        "tasks": draw(st.dictionaries(names, _task(), max_size=3)),
        "thresholds": {signal: draw(_signal(signal)) for signal in signals},
        "logs": {"shippers": ["filebeat", "alloy"]},
        "sources": draw(st.permutations(able).flatmap(lambda all_: st.integers(1, len(all_)).map(lambda n: all_[:n]))),
        "prometheus": {
            "scrape_interval": draw(st.sampled_from(("10s", "15s", "30s", "60s"))),
            "evaluation_interval": draw(st.sampled_from(("10s", "15s", "30s", "1m"))),
        },
    }


VERY_HOSTILE: Spec = {
    "version": 1,
    "stack": {"name": "hostile", "owner": 'o"\\{{ $value }}\n', "labels": {"extra": "{{ end }}"}},
    "celery": {"app": "proj", "worker_memory_limit": "1.5GiB", "broker": {"kind": "redis"}},
    "queues": {
        name: {
            "owner": name[::-1],
            "min_workers": 1 + number,
            "thresholds": {"queue_length": {"warning": 10 + number, "critical": 100 + number}},
        }
        for number, name in enumerate(_NASTY)
        if "," not in name
    }
    | {'dead "letters"\\': {"role": "dead_letter", "thresholds": {"dead_letter_length": {"warning": 7}}}},
    "tasks": {
        name: {
            "owner": name[::-1],
            "period": "1h",
            "thresholds": {
                "task_failure_ratio": {"warning": "7.25%", "critical": f"{20 + number}.75%"},
                "task_duration_p95": {"warning": f"{number + 1}s"},
            },
        }
        for number, name in enumerate(_NASTY)
    },
    "sources": ["celery-exporter", "worker", "redis"],
}
"""Every nasty name at once, as queue, task and owner."""
