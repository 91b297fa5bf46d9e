"""The triggers of campaigns: by name, and the life course updater every five minutes."""

import json

from django.db import migrations
from django.utils import timezone

_CAMPAIGNS = "hu.dbx.hammy.processor.campaign.CampaignJobRunner"
_LIFE_COURSE = "hu.dbx.hammy.processor.lifecourse.LifeCourseStatusUpdaterJob"


def create(apps, schema_editor):
    alias = schema_editor.connection.alias
    triggers = apps.get_model("jobs", "Trigger").objects.using(alias)
    # Somebody may have made one of this name.
    triggers.get_or_create(
        name="campaignJob", defaults={"job_class": _CAMPAIGNS, "description": "Sends the legs of campaigns"}
    )
    updater, is_new = triggers.get_or_create(
        name="lifeCourse", defaults={"job_class": _LIFE_COURSE, "description": "Closes what is over"}
    )
    recurrences = apps.get_model("jobs", "Recurrence").objects.using(alias)
    if is_new and not recurrences.filter(trigger=updater).exists():
        intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects.using(alias)
        interval = intervals.filter(every=5, period="minutes").first()
        interval = interval or intervals.create(every=5, period="minutes")
        tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects.using(alias)
        task, is_free = tasks.get_or_create(
            name="trigger lifeCourse",
            defaults={"task": "jobs.tasks.fire", "args": json.dumps([str(updater.pk)]), "interval": interval},
        )
        if not is_free:
            # Somebody's own; the trigger can be given times in the console.
            return
        # Its times are planned with the first tick, which sees that they were never.
        recurrences.create(trigger=updater, periodic_task=task, times="", created_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0001_campaigns"),
        ("jobs", "0002_waiting_jobs"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    # Back again they stay: somebody may have given them other times, and without their classes they only refuse.
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
