"""flower/: config.py, which reads who may log in when Flower starts."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.catalog.sources.flower import PURGE
from stackgen.resolve.plan import Plan


def artefacts(plan: Plan) -> list[Artefact]:
    """The one file; settings.py and the Celery application are not read by Flower."""
    flower = plan.spec.flower
    return [
        Artefact(
            path="flower/config.py",
            template="flower/config.py.j2",
            syntax="python",
            context={
                "address": flower.address,
                "port": flower.port,
                "url_prefix": flower.url_prefix.strip("/"),
                "persistent": flower.persistent,
                "database": flower.database,
                "save_milliseconds": 60_000 if flower.persistent else 0,
                "max_tasks": flower.max_tasks,
                "purge_seconds": PURGE,
                "buckets": [float(bound) for bound in plan.site.duration_buckets],
                "users_file": flower.basic_auth.file,
                "users_env": flower.basic_auth.users_env,
            },
        )
    ]
