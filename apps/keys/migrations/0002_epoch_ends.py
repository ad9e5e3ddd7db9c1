"""Every epoch has a day on which it ends; those begun before end as if they had had one."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import migrations, models


def give_a_day(apps: Any, schema_editor: Any) -> None:
    epoch = apps.get_model("keys", "Epoch")
    length = timedelta(days=settings.LETHE_EPOCH_DAYS)
    for row in epoch.objects.using(schema_editor.connection.alias).filter(ends_on=None):
        row.ends_on = row.started_at.date() + length
        row.save(update_fields=["ends_on"])


class Migration(migrations.Migration):
    dependencies = [("keys", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="epoch", name="rewrapped", field=models.PositiveIntegerField(default=0)
        ),
        migrations.AddField(model_name="epoch", name="ends_on", field=models.DateField(null=True)),
        migrations.RunPython(give_a_day, migrations.RunPython.noop),
        migrations.AlterField(model_name="epoch", name="ends_on", field=models.DateField()),
    ]
