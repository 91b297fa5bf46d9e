"""Which job sent a message, and the cancelled jobs whose messages are being taken back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sending", "0003_database_of_dispatcher"), ("jobs", "0001_jobs")]

    operations = [
        migrations.AddField("message", "job_id", models.BigIntegerField(blank=True, null=True, verbose_name="job")),
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                ("job_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("reason", models.TextField(blank=True)),
                ("actor", models.CharField(blank=True, max_length=300)),
                ("before", models.DateTimeField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
    ]
