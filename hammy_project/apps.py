"""The project as an app of Django's: what must be known before anything runs."""

from django.apps import AppConfig


class HammyProjectConfig(AppConfig):
    name = "hammy_project"
    verbose_name = "Hammy"

    def ready(self) -> None:
        """Make our Celery app the one whose queues wake-ups go to, and be there when its workers come and go."""
        from hammy_project import celery, checks, worker_life  # noqa: F401
