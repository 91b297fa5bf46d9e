"""When a message was first opened in a portal."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0011_print_batches")]

    operations = [
        migrations.AddField(
            "message", "opened_at", models.DateTimeField(blank=True, null=True, verbose_name="opened at")
        ),
    ]
