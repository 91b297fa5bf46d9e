"""Which portals may show a client's messages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0003_most_of_an_upload")]

    operations = [
        migrations.AddField(
            "apiclient",
            "portals",
            models.ManyToManyField(
                blank=True,
                help_text="Clients with the right portal that may show its messages in the recipients' inboxes.",
                related_name="+",
                to="gateway.apiclient",
                verbose_name="portals",
            ),
        ),
    ]
