"""A trigger by which a site reads what came back; it has no times of its own."""

from django.db import migrations


def create(apps, schema_editor):
    triggers = apps.get_model("jobs", "Trigger").objects.using(schema_editor.connection.alias)
    # Somebody may have made one of this name.
    triggers.get_or_create(
        name="readBounces",
        defaults={
            "job_class": "hu.dbx.hammy.processor.bounce.ReadBouncesJobRunner",
            "description": "Reads what came back from the mailbox of HAMMY_BOUNCE_IMAP_URL",
        },
    )


class Migration(migrations.Migration):
    dependencies = [("sending", "0015_suppressions"), ("jobs", "0001_jobs")]

    # Back again it stays: somebody may have given it times, and without its class it only refuses.
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
