"""The one table: a row of about 600 bytes with three indexes."""

from django.db import models
from django.utils import timezone


class Note(models.Model):
    """A title and a JSON document."""

    title = models.CharField(max_length=100, db_index=True)
    content = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        app_label = "jsonapi"

    def __str__(self) -> str:
        return self.title
