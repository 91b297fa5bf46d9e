"""django-celery-beat as its documents have it: a task at a time is a row, and its scheduler sends what is due."""
