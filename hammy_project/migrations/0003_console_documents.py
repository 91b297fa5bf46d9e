"""What the console's roles may do with documents."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

_GROUPS = ("Viewer", "Operator", "Administrator")


def grant(apps, schema_editor):
    # On a fresh database permissions are made after all migrations: too late for us, so they are made now.
    config = apps.get_app_config("sending")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permission = _permission(apps)
    # A site may have renamed its groups, or dropped them.
    for group in apps.get_model("auth", "Group").objects.filter(name__in=_GROUPS):
        group.permissions.add(permission)


def withdraw(apps, schema_editor):
    permission = _permission(apps)
    for group in apps.get_model("auth", "Group").objects.filter(name__in=_GROUPS):
        group.permissions.remove(permission)


def _permission(apps):
    permissions = apps.get_model("auth", "Permission").objects
    return permissions.get(content_type__app_label="sending", codename="view_dmsdocument")


class Migration(migrations.Migration):
    dependencies = [
        ("hammy_project", "0002_console_jobs"),
        ("sending", "0009_archived_documents"),
    ]

    operations = [migrations.RunPython(grant, withdraw)]
