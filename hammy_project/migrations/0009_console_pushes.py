"""What the console's roles may do with pushes, with browsers that subscribed, and with the keys they trust."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

_VIEW = ("view_push", "view_subscription", "view_vapidkey")
_OPERATE = (*_VIEW, "add_push", "delete_subscription")
_GROUPS = {"Viewer": _VIEW, "Operator": _OPERATE, "Administrator": (*_OPERATE, "add_vapidkey")}


def grant(apps, schema_editor):
    # On a fresh database permissions are made after all migrations: too late for us, so they are made now.
    config = apps.get_app_config("sending")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="sending")
    for name, wanted in _GROUPS.items():
        # A site may have renamed its groups, or dropped them.
        for group in apps.get_model("auth", "Group").objects.filter(name=name):
            group.permissions.add(*permissions.filter(codename__in=wanted))


def withdraw(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="sending", codename__in=_GROUPS["Administrator"]
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=_GROUPS):
        group.permissions.remove(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("hammy_project", "0008_console_campaigns"),
        ("sending", "0023_expiring_subscriptions"),
    ]

    operations = [migrations.RunPython(grant, withdraw)]
