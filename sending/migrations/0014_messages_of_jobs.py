"""The index of all messages by job; alone, and built while letters are taken where the database can."""

from importlib import import_module

from django.db import migrations, models

_quietly = import_module("sending.migrations.0005_open_messages_of_jobs").AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sending", "0013_inboxes")]

    operations = [
        _quietly(
            "message",
            models.Index(
                fields=["job_id", "status"],
                condition=models.Q(job_id__isnull=False),
                name="message_of_job",
            ),
        ),
    ]
