"""Messages know since when what they said is gone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0010_trigger_of_bounces")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="erased at"),
        ),
    ]
