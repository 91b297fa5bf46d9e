"""The list of messages in doubt: a view of the same rows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sending", "0001_letters")]

    operations = [
        migrations.CreateModel(
            name="UncertainMessage",
            fields=[],
            options={
                "verbose_name": "message in doubt",
                "verbose_name_plural": "messages in doubt",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("sending.message",),
        ),
    ]
