"""The console's list of one trigger's jobs, and a trigger's deletion, read no other jobs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_jobs"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("trigger__isnull", False)),
                fields=["trigger", "-created_at", "-id"],
                name="job_trigger_list",
            ),
        ),
    ]
