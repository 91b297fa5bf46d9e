from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sending", "0007_facts_of_events"),
    ]

    operations = [
        migrations.AddField(
            model_name="templateversion",
            name="letter",
            field=models.TextField(blank=True, verbose_name="letter layout"),
        ),
    ]
