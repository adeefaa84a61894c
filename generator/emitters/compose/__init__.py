"""docker-compose.yml, .env.example and the demo: the whole stack on one machine."""

from generator.emitters.compose.files import plan, secrets
from generator.emitters.compose.parts import SECRETS, Secret

__all__ = ["SECRETS", "Secret", "plan", "secrets"]
