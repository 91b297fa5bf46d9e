"""What the console's roles may do with schedules."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

_VIEW = ("view_schedule", "view_firing")
_OPERATE = (*_VIEW, "operate_schedule")
_GROUPS = {"Viewer": _VIEW, "Operator": _OPERATE, "Administrator": _OPERATE}


def grant(apps, schema_editor):
    # On a fresh database permissions are made after all migrations: too late for us, so they are made now.
    config = apps.get_app_config("schedules")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="schedules")
    for name, wanted in _GROUPS.items():
        # A site may have renamed its groups, or dropped them.
        for group in apps.get_model("auth", "Group").objects.filter(name=name):
            group.permissions.add(*permissions.filter(codename__in=wanted))


def withdraw(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="schedules", codename__in=_OPERATE
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=_GROUPS):
        group.permissions.remove(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("hammy_project", "0006_console_notifications"),
        ("schedules", "0001_schedules"),
    ]

    operations = [migrations.RunPython(grant, withdraw)]
