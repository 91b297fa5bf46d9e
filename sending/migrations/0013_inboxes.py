"""The indexes of inboxes; alone, and built while letters are taken where the database can."""

from importlib import import_module

from django.db import migrations, models
from django.db.models.functions import Lower

AddIndexQuietly = import_module("sending.migrations.0005_open_messages_of_jobs").AddIndexQuietly
_IN_INBOX = models.Q(channel="PORTAL", status="SENT")
_NEWEST_FIRST = (models.F("closed_at").desc(), models.F("id").desc())


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sending", "0012_opened")]

    operations = [
        AddIndexQuietly(
            "message",
            models.Index("partner_ref", *_NEWEST_FIRST, condition=_IN_INBOX, name="message_inbox_partner"),
        ),
        AddIndexQuietly(
            "message",
            models.Index(
                Lower("recipient_email_address"), *_NEWEST_FIRST, condition=_IN_INBOX, name="message_inbox_address"
            ),
        ),
    ]
