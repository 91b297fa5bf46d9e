"""What the console's roles may do with suppressed addresses, and who may have a person erased."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

_VIEW = ("view_suppression",)
_OPERATE = (*_VIEW, "add_suppression", "delete_suppression")
_GROUPS = {"Viewer": _VIEW, "Operator": _OPERATE, "Administrator": (*_OPERATE, "erase_person")}


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
        ("hammy_project", "0004_console_printing"),
        ("sending", "0018_messages_to_erase"),
    ]

    operations = [migrations.RunPython(grant, withdraw)]
