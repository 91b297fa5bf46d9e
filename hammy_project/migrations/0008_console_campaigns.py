"""What the console's roles may do with recipient groups and campaigns."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

# Figures without people: recipients are seen by who works with them.
_VIEW = ("view_recipientgroup", "view_campaign", "view_campaignpart", "view_legrun")
_PEOPLE = (*_VIEW, "view_recipient", "view_invalidline", "view_skippedrecipient")
_OPERATE = (*_PEOPLE, "operate_campaign")
_EDIT = (
    *_PEOPLE,
    *(
        f"{verb}_{model}"
        for verb in ("add", "change", "delete")
        for model in ("recipientgroup", "recipient", "campaign")
    ),
)
_GROUPS = {
    "Viewer": _VIEW,
    "Operator": _OPERATE,
    "Template editor": _EDIT,
    "Administrator": (*_EDIT, "operate_campaign"),
}


def grant(apps, schema_editor):
    # On a fresh database permissions are made after all migrations: too late for us, so they are made now.
    config = apps.get_app_config("campaigns")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="campaigns")
    for name, wanted in _GROUPS.items():
        # A site may have renamed its groups, or dropped them.
        for group in apps.get_model("auth", "Group").objects.filter(name=name):
            group.permissions.add(*permissions.filter(codename__in=wanted))


def withdraw(apps, schema_editor):
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="campaigns", codename__in=_GROUPS["Administrator"]
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=_GROUPS):
        group.permissions.remove(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("hammy_project", "0007_console_schedules"),
        ("campaigns", "0002_triggers"),
    ]

    operations = [migrations.RunPython(grant, withdraw)]
