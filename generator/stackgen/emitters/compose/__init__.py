"""docker-compose.yml, .env.example and the demo: the whole stack on one machine."""

from stackgen.emitters.compose.emitter import artefacts, mounted, names, project, secrets
from stackgen.emitters.compose.parts import SECRETS

__all__ = ["SECRETS", "artefacts", "mounted", "names", "project", "secrets"]
