"""One module per idea; emitters/celery_module.py joins them into one file."""
