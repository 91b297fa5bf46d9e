"""The index of open messages by job; alone, and built while letters are taken where the database can."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexQuietly(AddIndexConcurrently):
    """As its base on PostgreSQL, as any other index elsewhere."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sending", "0004_jobs_of_messages")]

    operations = [
        AddIndexQuietly(
            "message",
            models.Index(
                fields=["job_id", "id"],
                condition=models.Q(job_id__isnull=False, closed_at__isnull=True),
                name="message_open_of_job",
            ),
        ),
    ]
