"""What became of each message that an operation in bulk came to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sending", "0020_pushes"),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("job_id", models.BigIntegerField(verbose_name="job")),
                ("message_id", models.BigIntegerField(verbose_name="message")),
                ("outcome", models.CharField(max_length=20, verbose_name="outcome")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("new_message_id", models.BigIntegerField(blank=True, null=True, verbose_name="new message")),
            ],
            options={
                "verbose_name": "result",
                "verbose_name_plural": "results",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("job_id", "message_id"), name="sending_bulk_result_once_for_a_message"
                    )
                ],
            },
        ),
    ]
