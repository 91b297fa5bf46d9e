"""Addresses that no letter goes to any more."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0001_clients"),
        ("sending", "0014_messages_of_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("address", models.CharField(blank=True, max_length=254, verbose_name="address")),
                ("reason", models.TextField(verbose_name="reason")),
                ("source_message_id", models.BigIntegerField(blank=True, null=True, verbose_name="message")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                ("created_by", models.CharField(blank=True, max_length=300, verbose_name="by")),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="gateway.apiclient",
                        verbose_name="client",
                    ),
                ),
            ],
            options={
                "verbose_name": "suppressed address",
                "verbose_name_plural": "suppressed addresses",
                "default_permissions": ("view", "add", "delete"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False)),
                        fields=["expires_at"],
                        name="suppression_expiring",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("digest", "client"), name="sending_suppression_once_for_a_client"),
                    models.UniqueConstraint(
                        condition=models.Q(("client__isnull", True)),
                        fields=("digest",),
                        name="sending_suppression_once_for_all",
                    ),
                ],
            },
        ),
    ]
