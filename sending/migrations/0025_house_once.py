"""A letter of the house is taken once, and known by an index of its own, as a client's is by another; each alone, and
built while letters are taken where the database can. Where somebody takes one of the house twice meanwhile it fails, and
does all anew when it is run again."""

from django.db import migrations, models

# What the house sent twice stays, and is known by its first alone.
_SECOND = """
UPDATE sending_message SET idempotency_key = NULL
WHERE client_id IS NULL AND idempotency_key IS NOT NULL AND id > (
    SELECT min(first.id) FROM sending_message AS first
    WHERE first.client_id IS NULL AND first.idempotency_key = sending_message.idempotency_key
)
"""


class AddConstraintQuietly(migrations.AddConstraint):
    """As its base, but without a lock on PostgreSQL, where such a constraint is an index."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        # One that an earlier attempt did not finish is in the way.
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self.constraint.name}")
        model = to_state.apps.get_model(app_label, self.model_name)
        created = str(self.constraint.create_sql(model, schema_editor))
        schema_editor.execute(created.replace("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX CONCURRENTLY", 1))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sending", "0024_person_of_subscription")]

    operations = [
        migrations.RunSQL(_SECOND, migrations.RunSQL.noop),
        AddConstraintQuietly(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(client__isnull=True, idempotency_key__isnull=False),
                fields=["idempotency_key"],
                name="sending_message_of_house_once",
            ),
        ),
        AddConstraintQuietly(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(client__isnull=False, idempotency_key__isnull=False),
                fields=["client", "idempotency_key"],
                name="sending_message_of_client_once",
            ),
        ),
        migrations.RemoveConstraint(model_name="message", name="sending_message_request_once"),
    ]
