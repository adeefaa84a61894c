"""One module per idea; emitters/celery.py joins them into one file."""
