"""What the console's roles may see of print runs."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

_VIEW = ("view_printbatch", "view_printitem")
_GROUPS = ("Viewer", "Operator", "Administrator")


def grant(apps, schema_editor):
    # On a fresh database permissions are made after all migrations: too late for us, so they are made now.
    config = apps.get_app_config("sending")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="sending", codename__in=_VIEW
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=_GROUPS):
        group.permissions.add(*permissions)


def withdraw(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="sending", codename__in=_VIEW
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=_GROUPS):
        group.permissions.remove(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("hammy_project", "0002_console_jobs"),
        ("sending", "0010_print_batches"),
    ]

    operations = [migrations.RunPython(grant, withdraw)]
