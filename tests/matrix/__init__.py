"""The app-side module under each Python and Celery that people run, with real workers: `make matrix`."""
