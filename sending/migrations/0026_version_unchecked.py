import django.db.models.deletion
from django.db import migrations, models


class _OnPostgresql(migrations.AlterField):
    """SQLite would copy the whole table, and checks without a lock."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("sending", "0025_house_once")]

    operations = [
        _OnPostgresql(
            model_name="message",
            name="template_version",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="sending.templateversion",
                verbose_name="template",
            ),
        )
    ]
