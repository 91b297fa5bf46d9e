"""Triggers by which a fresh site can run this floor's jobs; they never start by themselves."""

from django.db import migrations

_TRIGGERS = (
    (
        "queueItemSynchronizer",
        "hu.dbx.chaingun.processor.queue.QueueItemSynchronizerJobRunner",
        "Puts back what failed before LIMIT_DATE; wants QUEUE_NAME and LIMIT_DATE",
    ),
    (
        "suspendRequestHandler",
        "hu.dbx.hammy.processor.suspend.SuspendRequestHandlerJobRunner",
        "Lets go the letters held for a template that is enabled again; wants templates.suspended_to_enabled",
    ),
    (
        "statisticsSending",
        "hu.dbx.hammy.processor.statistics.StatisticsSendingHandlerJobRunner",
        "Mails the message statistics of thirty days to HAMMY_REPORT_RECIPIENTS",
    ),
)


def create(apps, schema_editor):
    triggers = apps.get_model("jobs", "Trigger").objects.using(schema_editor.connection.alias)
    for name, job_class, description in _TRIGGERS:
        # Somebody may have made one of this name.
        triggers.get_or_create(name=name, defaults={"job_class": job_class, "description": description})


class Migration(migrations.Migration):
    dependencies = [("sending", "0005_open_messages_of_jobs"), ("jobs", "0001_jobs")]

    # Back again they stay: somebody may have given one times of its own, and without its class it only refuses.
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
