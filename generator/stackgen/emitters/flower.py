"""flower/: config.py, which reads who may log in when Flower starts."""

from __future__ import annotations

from stackgen.artefact import Artefact
from stackgen.catalog.sources.flower import PURGE
from stackgen.resolve.plan import Plan


def artefacts(plan: Plan) -> list[Artefact]:
    """Flower's own settings, and Celery's where the broker's address is not enough; Flower reads no settings.py."""
    flower, corner = plan.spec.flower, plan.site.corner
    celery = Artefact(
        path="flower/celeryconfig.py",
        template="flower/celeryconfig.py.j2",
        syntax="python",
        context={"options": dict(corner.options), "ssl": corner.ssl},
    )
    return [
        *([celery] if corner.is_special else []),
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
        ),
    ]
