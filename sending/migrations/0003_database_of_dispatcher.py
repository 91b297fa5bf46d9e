from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0002_console")]

    operations = [
        migrations.AddField("dispatcher", "database_started_at", models.DateTimeField(editable=False, null=True)),
    ]
