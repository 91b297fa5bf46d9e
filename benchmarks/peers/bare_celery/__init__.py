"""Celery with nothing about it: no database, no result, no events; a task is acknowledged when it is done."""
