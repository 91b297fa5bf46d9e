"""The index of closed messages that still say something; alone, and built while letters are taken where the database
can."""

from importlib import import_module

from django.db import migrations, models

_quietly = import_module("sending.migrations.0005_open_messages_of_jobs").AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sending", "0017_erasing")]

    operations = [
        _quietly(
            "message",
            models.Index(
                fields=["closed_at", "id"],
                condition=models.Q(closed_at__isnull=False, erased_at__isnull=True),
                name="message_to_erase",
            ),
        ),
    ]
