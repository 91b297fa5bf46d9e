"""What the console's roles may do with jobs."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

_VIEW = (
    "view_job",
    "view_jobevent",
    "view_joblogline",
    "view_recurrence",
    "view_trigger",
    "view_triggerfiring",
)
_GROUPS = {"Viewer": _VIEW, "Operator": (*_VIEW, "operate_job")}


def grant(apps, schema_editor):
    # On a fresh database permissions are made after all migrations: too late for us, so they are made now.
    config = apps.get_app_config("jobs")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="jobs")
    groups = apps.get_model("auth", "Group").objects
    for name, wanted in _GROUPS.items():
        # A site may have renamed its groups, or dropped them.
        for group in groups.filter(name=name):
            group.permissions.add(*permissions.filter(codename__in=wanted))
    for group in groups.filter(name="Administrator"):
        group.permissions.add(*permissions)


def withdraw(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="jobs")
    for group in apps.get_model("auth", "Group").objects.filter(name__in=[*_GROUPS, "Administrator"]):
        group.permissions.remove(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("hammy_project", "0001_console_groups"),
        ("jobs", "0001_jobs"),
    ]

    operations = [migrations.RunPython(grant, withdraw)]
