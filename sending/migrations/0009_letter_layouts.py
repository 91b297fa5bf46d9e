from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sending", "0008_signed_attachments"),
    ]

    operations = [
        migrations.AddField(
            model_name="templateversion",
            name="letter",
            field=models.TextField(blank=True, verbose_name="letter layout"),
        ),
    ]
