"""The parts of celery_monitoring.py: Python that runs beside a team's Celery application, not in the generator."""
