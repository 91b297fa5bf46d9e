"""The console's roles: Viewer, Operator, Template editor, Administrator."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

_VIEW = (
    "sending.view_message",
    "sending.view_messageevent",
    "sending.view_template",
    "sending.view_templateversion",
    "sending.view_lane",
    "sending.view_dispatcher",
)
_OPERATE = (*_VIEW, "sending.operate_message", "sending.read_content")
_EDIT = (
    "sending.view_template",
    "sending.add_template",
    "sending.change_template",
    "sending.view_templateversion",
    "sending.add_templateversion",
    "sending.change_templateversion",
    "sending.delete_templateversion",
)
_GROUPS = {"Viewer": _VIEW, "Operator": _OPERATE, "Template editor": _EDIT}
_APPS = ("admin", "auth", "axes", "django_celery_beat", "gateway", "sending")
# The audit trail and the logins are looked at by administrators, and written by nobody.
_NEVER = ("add_logentry", "change_logentry", "delete_logentry")


def make_groups(apps, schema_editor):
    for label in _APPS:
        # On a fresh database permissions are made after all migrations: too late for us, so they are made now.
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    group_model = apps.get_model("auth", "Group")
    permissions = apps.get_model("auth", "Permission").objects
    by_name = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in permissions.filter(content_type__app_label__in=_APPS).select_related("content_type")
    }
    for name, wanted in _GROUPS.items():
        group, _ = group_model.objects.get_or_create(name=name)
        group.permissions.add(*(by_name[permission] for permission in wanted))
    group, _ = group_model.objects.get_or_create(name="Administrator")
    group.permissions.add(*(one for one in by_name.values() if one.codename not in _NEVER))


def drop_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=[*_GROUPS, "Administrator"]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("axes", "0010_accessattemptexpiration"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("gateway", "0001_clients"),
        ("sending", "0002_console"),
    ]

    operations = [migrations.RunPython(make_groups, drop_groups)]
