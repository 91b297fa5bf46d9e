"""Messages know since when what they said is gone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0016_trigger_of_bounces")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="erased at"),
        ),
        migrations.AlterModelOptions(
            name="message",
            options={
                "permissions": [
                    ("read_content", "Can read what messages say"),
                    ("operate_message", "Can cancel, release, requeue and settle messages"),
                    ("erase_person", "Can have a person's data erased"),
                ],
                "verbose_name": "message",
                "verbose_name_plural": "messages",
            },
        ),
    ]
