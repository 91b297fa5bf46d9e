"""The index of signed attachments; alone, and built while letters are taken where the database can."""

from importlib import import_module

from django.db import migrations, models

_quietly = import_module("sending.migrations.0005_open_messages_of_jobs").AddIndexQuietly


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sending", "0018_messages_to_erase")]

    operations = [
        _quietly(
            "attachment",
            models.Index(
                fields=["signed_blob"],
                condition=models.Q(signed_blob__isnull=False),
                name="sending_attachment_sweep",
            ),
        ),
    ]
