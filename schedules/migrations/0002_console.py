"""What the console looks for: kinds, what comes again, and lists that stay quick over a million rows."""

import json

from django.db import migrations, models
from django.db.models import Q

_KINDS = ("send", "job")
_BATCH = 1000


def fill(apps, schema_editor):
    schedules = apps.get_model("schedules", "Schedule").objects
    after = 0
    while rows := list(schedules.filter(id__gt=after).order_by("id")[:_BATCH]):
        for row in rows:
            push = json.loads(row.push)
            row.kind = next((kind for kind in _KINDS if kind in push), "to")
            row.is_repeated = "unit" in row.times
        schedules.bulk_update(rows, ["kind", "is_repeated"])
        after = rows[-1].pk
    firings = apps.get_model("schedules", "Firing").objects.exclude(push="")
    after = 0
    while rows := list(firings.filter(id__gt=after).order_by("id")[:_BATCH]):
        for row in rows:
            push = json.loads(row.push)
            row.kind = next((kind for kind in _KINDS if kind in push), "to")
        firings.bulk_update(rows, ["kind"])
        after = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("schedules", "0001_schedules")]

    operations = [
        migrations.AddField(
            model_name="firing",
            name="kind",
            field=models.CharField(blank=True, editable=False, max_length=20, verbose_name="kind"),
        ),
        migrations.AddField(
            model_name="schedule",
            name="is_repeated",
            field=models.BooleanField(default=False, editable=False, verbose_name="again and again"),
        ),
        migrations.AddField(
            model_name="schedule",
            name="kind",
            field=models.CharField(default="to", editable=False, max_length=20, verbose_name="kind"),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="firing",
            index=models.Index(fields=["schedule", "-id"], name="firing_of_schedule"),
        ),
        migrations.AddIndex(
            model_name="firing",
            index=models.Index(
                condition=~Q(decision="FIRED"), fields=["decision", "-id"], name="firing_not_fired_list"
            ),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(
                condition=Q(due_at__isnull=False, is_repeated=True),
                fields=["due_at", "id"],
                name="schedule_repeated_due",
            ),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(fields=["client", "-created_at", "-id"], name="schedule_client_list"),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(fields=["kind", "-created_at", "-id"], name="schedule_kind_list"),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(
                condition=Q(due_at__isnull=False, is_enabled=False),
                fields=["-created_at", "-id"],
                name="schedule_paused_list",
            ),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(
                condition=Q(deleted_at__isnull=False), fields=["-created_at", "-id"], name="schedule_deleted_list"
            ),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(fields=["name"], name="schedule_name", opclasses=["varchar_pattern_ops"]),
        ),
    ]
