"""The floor of jobs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    """Job classes are found in every app's ``job_classes``; nothing is wired here."""

    name = "jobs"
    verbose_name = _("Jobs")
