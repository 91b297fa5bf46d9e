"""Jobs that wait are found by themselves, and know whether their messages are being handed over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_jobs")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="sending_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["id"],
                condition=models.Q(status="RUNNING", claim__isnull=True),
                name="job_waiting",
            ),
        ),
    ]
